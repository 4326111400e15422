"""Features of leads now, in one round trip to the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import ModelSpec
from estate.features.histories import Histories
from estate.features.lead_histories import NotRead, lead_histories
from estate.features.live import LeadFeatures, age_in_us, computed_now
from estate.features.needs import parts_read
from estate.store.database import Database
from estate.store.lead_facts import LeadFacts, read_lead_facts
from estate.store.lead_statement import Part
from estate.store.read_connections import ReadConnections

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANY_AGE_US = 200 * 365 * 86_400 * 1_000_000


class LeadReader:
    """Reads the facts of leads and computes features; safe to share between threads.

    What it returns is, to the bit, what :func:`~.live.features_of_leads` returns.

    Parameters
    ----------
    find : callable
        Returns the database; asked at each use.
    """

    def __init__(self, find: Callable[[], Database]) -> None:
        self._connections = ReadConnections(find)
        self._parts: dict[int, tuple[FeatureSet, frozenset[Part]]] = {}

    def read(self, spec: ModelSpec, lead_ids: Sequence[str], *, as_of: datetime) -> LeadFeatures:
        """Return the features of leads; see :func:`~.live.features_of_leads`.

        Raises
        ------
        StoreError
            If the database can't be reached or lacks a table.
        """
        return self._read(spec.features, lead_ids, as_of=as_of, age_us=age_in_us(spec))

    def read_as_of(self, features: FeatureSet, lead_ids: Sequence[str], *, as_of: datetime) -> LeadFeatures:
        """Return any features of leads as of a moment, however old the leads are; else like :meth:`read`."""
        return self._read(features, lead_ids, as_of=as_of, age_us=_ANY_AGE_US)

    def _read(
        self, features: FeatureSet, lead_ids: Sequence[str], *, as_of: datetime, age_us: int
    ) -> LeadFeatures:
        wanted = tuple(dict.fromkeys(lead_ids))
        parts = self._parts_of(features)
        while True:
            facts = read_lead_facts(self._connections, wanted, as_of=as_of, age_us=age_us, parts=parts)
            try:
                return _features(features, wanted, facts, as_of)
            except NotRead as asked:
                parts |= {asked.part}
                self._parts[id(features)] = (features, parts)

    def histories(
        self, lead_ids: Sequence[str], *, as_of: datetime, parts: frozenset[Part]
    ) -> tuple[tuple[str, ...], Histories]:
        """Return the leads that are known as of a moment, and those parts of their histories.

        Raises
        ------
        StoreError
            If the database can't be reached or lacks a table.
        """
        wanted = tuple(dict.fromkeys(lead_ids))
        facts = read_lead_facts(self._connections, wanted, as_of=as_of, age_us=_ANY_AGE_US, parts=parts)
        return tuple([wanted[i] for i in facts.position.tolist()]), lead_histories(facts)

    def close(self) -> None:
        """Give the connections back."""
        self._connections.close()

    def _parts_of(self, features: FeatureSet) -> frozenset[Part]:
        known = self._parts.get(id(features))  # which it holds, so that no other gets this id
        if known is None:
            known = self._parts[id(features)] = (features, parts_read(features))
        return known[1]


def _features(
    features: FeatureSet, wanted: tuple[str, ...], facts: LeadFacts, as_of: datetime
) -> LeadFeatures:
    found = tuple([wanted[i] for i in facts.position.tolist()])
    known = set(found)
    return LeadFeatures(
        features.compute(lead_histories(facts)),
        found,
        tuple(name for name in wanted if name not in known) if len(known) < len(wanted) else (),
        as_of=(as_of,) * len(found),
        known_until=_known_until(facts),
        cache=computed_now(len(found)),
    )


def _known_until(facts: LeadFacts) -> tuple[datetime, ...]:
    """When the newest fact that each lead's features saw was learned."""
    newest = facts.learned.copy()
    for events in (facts.interactions, facts.messages):
        if events is not None:
            np.maximum.at(newest, events.lead, events.learned)
    return tuple(_EPOCH + timedelta(microseconds=moment) for moment in newest.tolist())
