"""All parts of one serving process, wired; started and stopped as one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from estate.core.settings import Settings
from estate.store.announcements import Announcements
from estate.store.database import Database
from serving.answering import Answering
from serving.caches.counted import Counted
from serving.caches.wiring import make_lead_cache, make_slow_models
from serving.crm import Crm
from serving.explained import Explained
from serving.follower import Follower
from serving.front import Front, make_front
from serving.intake.intake import Intake
from serving.lanes import Desk
from serving.last_good import Fetch
from serving.leads.answers import Ranks
from serving.leads.known_desk import KnownDesk
from serving.loader import Loader
from serving.metrics import Metrics
from serving.models import Models
from serving.prediction_log import PredictionLog, make_log
from serving.qualities import Find
from serving.registry import registry_prepare
from serving.replay import Replayer
from serving.rollouts import Rollouts
from serving.shown_homes import ShownHomes
from serving.wiring import make_loader

logger = logging.getLogger(__name__)

_FIRST_LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """What answers requests.

    Parameters
    ----------
    loader : Loader
    follower : Follower
    rollouts : Rollouts
    log : PredictionLog
    desk : Desk
    metrics : Metrics
    crm : Crm
    front : Front
    replayer : Replayer
    explained : Explained
    """

    loader: Loader
    follower: Follower
    rollouts: Rollouts
    log: PredictionLog
    desk: Desk
    metrics: Metrics
    crm: Crm
    front: Front
    replayer: Replayer
    explained: Explained
    intake: Intake
    ranks: Ranks
    known_desk: KnownDesk
    shown: ShownHomes

    @property
    def models(self) -> Models:
        """The models by name."""
        return self.loader.models

    def versions_of(self, model: str) -> Find:
        """Return what finds a version of a model that is loaded here."""

        def find(version: str) -> Answering | None:
            opened = self.loader.opener.warm.find(model, version)
            return opened.answering if opened is not None else None

        return find

    def start(self) -> None:
        """Take up every model of the catalog from disk or by its rules, then follow the ledger."""
        specs = self.models.specs
        for problem in specs.problems():
            logger.error("model_file_refused error=%s", problem)
        for spec in specs.specs():
            self.loader.take_up(spec)
        self.front.start()
        self.intake.start()
        self.log.start()
        self.follower.start()
        # Whoever listens answers: not before it knows what is in production, if that can be known soon.
        self.follower.wait_for_first_look(_FIRST_LOOK_SECONDS)

    def close(self) -> None:
        """Stop following and bring every answer to the database or to disk."""
        self.follower.close()
        self.desk.close()
        self.intake.close()
        self.log.close()
        self.front.close()
        self.crm.close()


def make_process(settings: Settings, *, fetch: Fetch | None = None, ship: bool = True) -> Process:
    """Wire a serving process; nothing runs until it is started.

    Parameters
    ----------
    settings : Settings
    fetch : callable, optional
        Brings a version's bundle; from the model registry if not given.
    ship : bool
        Whether this process brings its answers to the database; else ``python -m serving.journal`` does.
    """
    crm = Crm(lambda: Database(settings.endpoint("database_url")))
    loader = make_loader(settings, crm, fetch=fetch)
    metrics = loader.metrics
    loader.opener.finish = make_slow_models(settings, metrics).around
    crm.cache_leads(make_lead_cache(settings, crm.compute_leads, metrics))
    log = make_log(settings, metrics, ship=ship)
    rollouts = Rollouts(loader, crm.report, keep_compared=log.put_compared)
    follower = Follower(
        loader,
        crm.read_ledger,
        rollouts=rollouts,
        prepare=None if fetch else registry_prepare(settings),
        bell=lambda pause: Announcements(lambda: settings.endpoint("database_url"), pause),
    )
    front = make_front(settings, metrics)
    desk = Desk(log.put, metrics, most_rows=settings.serving_queue_rows)
    replayer = Replayer(loader, lambda: crm.database, log.folder)
    intake = Intake(settings, lambda: crm.database, metrics)
    return Process(
        loader,
        follower,
        rollouts,
        log,
        desk,
        metrics,
        crm,
        front,
        replayer,
        Explained(_counting_reasons(metrics)),
        intake,
        Ranks(),
        KnownDesk(lambda: crm.database),
        ShownHomes(settings.shown_homes_share),
    )


def _counting_reasons(metrics: Metrics) -> Callable[[str, int, int], None]:
    counted = Counted(metrics)

    def looked_up(model: str, rows: int, hits: int) -> None:
        counted.looked_up("reasons", model, hits=hits, of=rows)

    return looked_up
