"""Features of leads as serving needs them, by the same functions as in training.

A model of event histories is trained on leads at one age. A lead that is older is scored as of that age too:
it is what the model knows to judge, and the numbers are those of the training row that the lead will become.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from estate.core.frame import Frame
from estate.core.model_spec import CrmSource, ModelSpec
from estate.features.events import DAY_US, Micros
from estate.features.histories import OF_LEADS, SHARED, build_histories, micros, superseded
from estate.store.database import Database
from estate.store.facts import read_facts

if TYPE_CHECKING:
    import pandas as pd

CacheStatus = Literal["miss", "memory", "redis", "stale"]


@dataclass(frozen=True)
class LeadFeatures:
    """Features of the leads that were found.

    Parameters
    ----------
    features : Frame
        One row for each of ``found``, in that order.
    found, missing : tuple of str
        Leads that are known by ``as_of``, in the order asked for, and those that are not.
    as_of : tuple of datetime
        As of when the features of each of ``found`` were computed; earlier than now where they were kept.
    known_until : tuple of datetime
        For each of ``found``: when the newest of its own facts that its features saw (the lead itself, its
        interactions, its messages) was learned, by their ``recorded_at``.
    cache : tuple of str
        For each of ``found``: "miss" where its features were computed for this answer, else the cache that
        they come from: "memory", "redis", or "stale" (any cache, while the database is away).
    """

    features: Frame
    found: tuple[str, ...]
    missing: tuple[str, ...]
    as_of: tuple[datetime, ...]
    known_until: tuple[datetime, ...]
    cache: tuple[CacheStatus, ...]

    def take(self, rows: Sequence[int], missing: Sequence[str] | None = None) -> LeadFeatures:
        """Return the leads at these places of ``found``, in this order; one may be there several times.

        Parameters
        ----------
        rows : sequence of int
        missing : sequence of str, optional
            Of what is returned; as here if not given.
        """
        if list(rows) == list(range(len(self.found))) and missing is None:
            return self
        return LeadFeatures(
            self.features.take(np.asarray(rows, dtype=np.intp)),
            tuple([self.found[row] for row in rows]),
            self.missing if missing is None else tuple(missing),
            as_of=tuple([self.as_of[row] for row in rows]),
            known_until=tuple([self.known_until[row] for row in rows]),
            cache=tuple([self.cache[row] for row in rows]),
        )


def features_of_leads(
    database: Database, spec: ModelSpec, lead_ids: Sequence[str], *, as_of: datetime
) -> LeadFeatures:
    """Read the histories of some leads and compute a model's features, for any number of leads.

    Where few are asked for and it must be quick, :class:`~.lead_reader.LeadReader` gives the same bits.

    Parameters
    ----------
    database : Database
    spec : ModelSpec
        A model of event histories.
    lead_ids : sequence of str
    as_of : datetime
        Facts that happened or were learned later are not seen; of a lead that is older than the model's
        age, neither are those after it reached that age.
    """
    wanted = tuple(dict.fromkeys(lead_ids))
    facts = {
        kind: read_facts(database, kind, lead_ids=wanted, as_of=as_of, versions=True) for kind in OF_LEADS
    }
    facts |= {kind: read_facts(database, kind, as_of=as_of, versions=True) for kind in SHARED}
    leads = facts["leads"][facts["leads"]["superseded_at"].isna()]
    known = set(leads["lead_id"])
    found = tuple(name for name in wanted if name in known)
    created = micros(leads.set_index("lead_id").loc[list(found), "event_at"])
    moments = np.minimum(_micros(as_of), created + age_in_us(spec))
    histories = build_histories(np.array(found, dtype=object), moments, facts)
    return LeadFeatures(
        spec.features.compute(histories),
        found,
        tuple(n for n in wanted if n not in known),
        as_of=(as_of,) * len(found),
        known_until=_known_until(found, moments, facts),
        cache=computed_now(len(found)),
    )


def computed_now(leads: int) -> tuple[CacheStatus, ...]:
    """Return the status of leads whose features come from no cache."""
    miss: CacheStatus = "miss"
    return (miss,) * leads


def age_in_us(spec: ModelSpec) -> int:
    """Return the age in microseconds at which the model judges a lead."""
    return int(spec.source.age_days * DAY_US) if isinstance(spec.source, CrmSource) else 0


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _known_until(
    found: Sequence[str], moments: Micros, facts: Mapping[str, pd.DataFrame]
) -> tuple[datetime, ...]:
    place = {name: i for i, name in enumerate(found)}
    leads = facts["leads"][facts["leads"]["superseded_at"].isna()]
    newest = leads.set_index("lead_id").loc[list(found), "recorded_at"].tolist()
    for kind in OF_LEADS:
        own = facts[kind]
        own = own[own["lead_id"].isin(place)]
        lead = own["lead_id"].map(place).to_numpy(np.int64)
        seen = (micros(own["recorded_at"]) <= moments[lead]) & (superseded(own) > moments[lead])
        if kind != "leads":
            seen &= micros(own["event_at"]) <= moments[lead]
        for i, learned in zip(lead[seen].tolist(), own["recorded_at"][seen].tolist(), strict=True):
            newest[i] = learned if kind == "leads" else max(newest[i], learned)
    return tuple(moment.to_pydatetime() for moment in newest)
