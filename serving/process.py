"""All parts of one serving process, wired; started and stopped as one."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from estate.core.settings import Settings
from estate.store.announcements import Announcements
from estate.store.database import Database
from serving.crm import Crm
from serving.follower import Follower
from serving.last_good import Fetch
from serving.loader import Loader
from serving.metrics import Metrics
from serving.models import Models
from serving.prediction_log import PredictionLog
from serving.registry import registry_prepare
from serving.rollouts import Rollouts
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
    rollouts : Rollouts
    log : PredictionLog
    metrics : Metrics
    crm : Crm
    """

    loader: Loader
    follower: Follower
    rollouts: Rollouts
    log: PredictionLog
    metrics: Metrics
    crm: Crm

    @property
    def models(self) -> Models:
        """The models by name."""
        return self.loader.models

    def start(self) -> None:
        """Take up every model of the catalog from disk or by its rules, then follow the ledger."""
        specs = self.models.specs
        for problem in specs.problems():
            logger.error("model_file_refused error=%s", problem)
        for spec in specs.specs():
            self.loader.take_up(spec)
        self.log.start()
        self.follower.start()

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
    rollouts = Rollouts(loader, crm.report)
    follower = Follower(
        loader,
        crm.read_ledger,
        rollouts=rollouts,
        prepare=None if fetch else registry_prepare(settings),
        bell=lambda pause: Announcements(lambda: settings.endpoint("database_url"), pause),
    )
    log = PredictionLog(crm.write, Spool(settings.home / "serving" / "spool"), metrics)
    return Process(loader, follower, rollouts, log, metrics, crm)
