"""All parts of one serving process, wired; started and stopped as one."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from estate.catalog import OWN
from estate.core.errors import SpecError
from estate.core.model_spec import ModelSpec
from estate.core.settings import Settings
from estate.store.database import Database
from serving.crm import Crm
from serving.follower import Follower
from serving.last_good import Fetch
from serving.loader import Loader
from serving.metrics import Metrics
from serving.models import Models
from serving.prediction_log import PredictionLog
from serving.registry import registry_prepare
from serving.spool import Spool
from serving.wiring import make_loader

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Process:
    """What answers requests.

    Parameters
    ----------
    loader : Loader
    follower : Follower
    log : PredictionLog
    metrics : Metrics
    crm : Crm
    """

    loader: Loader
    follower: Follower
    log: PredictionLog
    metrics: Metrics
    crm: Crm

    @property
    def models(self) -> Models:
        """The models by name."""
        return self.loader.models

    def start(self) -> None:
        """Take up every model of the catalog from disk or by its rules, then follow the ledger."""
        for spec in self._specs():
            self.loader.take_up(spec)
        self.log.start()
        self.follower.start()

    def _specs(self) -> list[ModelSpec]:
        """Return every model; the platform's own where a model file of the user's can't be read just now."""
        try:
            return [self.models.specs.get(name) for name in self.models.specs.names()]
        except SpecError as error:
            logger.error("model_files_refused error=%s", error)
            return list(OWN)

    def close(self) -> None:
        """Stop following and bring every answer to the database or to disk."""
        self.follower.close()
        self.log.close()


def make_process(settings: Settings, *, fetch: Fetch | None = None) -> Process:
    """Wire a serving process; nothing runs until it is started.

    Parameters
    ----------
    settings : Settings
    fetch : callable, optional
        Brings a version's bundle; from the model registry if not given.
    """
    crm = Crm(lambda: Database(settings.endpoint("database_url")))
    loader = make_loader(settings, crm, fetch=fetch)
    metrics = loader.metrics
    follower = Follower(loader, crm.read_ledger, prepare=None if fetch else registry_prepare(settings))
    log = PredictionLog(crm.write, Spool(settings.home / "serving" / "spool"), metrics)
    return Process(loader, follower, log, metrics, crm)
