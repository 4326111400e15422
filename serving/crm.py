"""The platform's database, as serving sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from estate.core.clock import now
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import ModelSpec
from estate.core.prediction import Prediction
from estate.core.rollout import RolloutReport
from estate.features.histories import Histories
from estate.features.lead_reader import LeadReader
from estate.features.live import LeadFeatures
from estate.services.property_matching.reading import HomesForSale
from estate.store import evidence, ledger, rollout_reports
from estate.store.database import Database
from estate.store.lead_statement import Part
from estate.store.predictions import write_many
from serving.caches import LeadCache


@dataclass(frozen=True)
class Orders:
    """What the ledger says now, by model.

    Parameters
    ----------
    current : mapping
        Who put which version into production.
    rollouts : mapping
        What started a rollout that has not ended.
    """

    current: Mapping[str, ledger.Entry]
    rollouts: Mapping[str, ledger.Entry] = field(default_factory=dict)


class Crm:
    """What serving reads from the platform's database and writes there.

    Parameters
    ----------
    find : callable
        Returns the database; asked at each use, since it may come up later than serving. Raises
        SettingsError where no address is known yet.
    """

    def __init__(self, find: Callable[[], Database]) -> None:
        self._find = find
        self._reader = LeadReader(find)
        self._cache: LeadCache | None = None
        self.homes = HomesForSale(find, now)

    @property
    def database(self) -> Database:
        """The database."""
        return self._find()

    def read_ledger(self) -> Orders:
        """Return what the ledger says now, all as of one moment."""
        with self.database.begin() as connection:
            return Orders(ledger.current_all(connection), ledger.open_rollouts(connection))

    def read_evidence(self, entry: ledger.Entry) -> evidence.SignedEvidence | None:
        """Return what is kept of a version's judgement, not checked yet; None if nothing is."""
        with self.database.begin() as connection:
            return evidence.load_signed(connection, entry.model, entry.to_version)

    def report(self, report: RolloutReport) -> None:
        """Say how a rollout goes here."""
        with self.database.begin() as connection:
            rollout_reports.write(connection, report)

    def read_leads(self, spec: ModelSpec, lead_ids: Sequence[str]) -> LeadFeatures:
        """Return the features of leads: as of now, or as of a moment ago where they were kept."""
        if self._cache is not None:
            return self._cache.read(spec, lead_ids)
        return self.compute_leads(spec, lead_ids)

    def compute_leads(self, spec: ModelSpec, lead_ids: Sequence[str]) -> LeadFeatures:
        """Return the features of leads as of now, in one round trip."""
        return self._reader.read(spec, lead_ids, as_of=now())

    def read_now(self, features: FeatureSet, lead_ids: Sequence[str]) -> LeadFeatures:
        """Return any features of leads as of now, whatever the leads' age."""
        return self._reader.read_as_of(features, lead_ids, as_of=now())

    def read_histories(
        self, lead_ids: Sequence[str], parts: frozenset[Part]
    ) -> tuple[tuple[str, ...], Histories]:
        """Return the leads that are known now, and those parts of their histories."""
        return self._reader.histories(lead_ids, as_of=now(), parts=parts)

    def cache_leads(self, cache: LeadCache) -> None:
        """Read leads through a cache from now on; it computes by :meth:`compute_leads`."""
        self._cache = cache

    def close(self) -> None:
        """Give the connections back that leads are read over."""
        if self._cache is not None:
            self._cache.close()
        self._reader.close()

    def write(self, predictions: Sequence[Prediction]) -> int:
        """Keep predictions."""
        with self.database.begin() as connection:
            return write_many(connection, predictions)
