"""The platform's database, as serving sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from estate.core.clock import now
from estate.core.model_spec import ModelSpec
from estate.core.prediction import Prediction
from estate.features.live import LeadFeatures, features_of_leads
from estate.store import evidence, ledger
from estate.store.database import Database
from estate.store.predictions import write_many


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

    @property
    def database(self) -> Database:
        """The database."""
        return self._find()

    def read_ledger(self) -> Mapping[str, ledger.Entry]:
        """Return the ledger's current entry of each model."""
        with self.database.begin() as connection:
            return ledger.current_all(connection)

    def bundle_digest(self, entry: ledger.Entry) -> str | None:
        """Return the digest of the bundle that was judged; None if the version has no evidence."""
        with self.database.begin() as connection:
            found = evidence.load(connection, entry.model, entry.to_version)
        return found.bundle_digest if found is not None else None

    def read_leads(self, spec: ModelSpec, lead_ids: Sequence[str]) -> LeadFeatures:
        """Return the features of leads as of now."""
        return features_of_leads(self.database, spec, lead_ids, as_of=now())

    def write(self, predictions: Sequence[Prediction]) -> int:
        """Keep predictions."""
        with self.database.begin() as connection:
            return write_many(connection, predictions)
