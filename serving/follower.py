"""Follows the ledger: what it puts into production is in service moments later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from estate.core.errors import LeadloopError
from estate.core.prediction import AnsweredBy
from estate.store.ledger import Entry
from serving.crm import Orders
from serving.loader import Loader
from serving.models import ServedModel
from serving.rollouts import Rollouts

logger = logging.getLogger(__name__)

ReadLedger = Callable[[], Orders]
"""What the ledger says now; raises StoreError or SettingsError while it is away."""

_POLL_SECONDS = 0.5
_QUIET_SECONDS = 5.0
"""While announcements are heard and nothing is under way: requests beside a look wait a millisecond."""
_PREPARE_SECONDS = 0.5
_ABSENT_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0


class Bell(Protocol):
    """Rings when the ledger has a new row."""

    @property
    def listening(self) -> bool:
        """Whether a new row would be heard now."""
        ...

    def connect(self) -> None:
        """Begin to listen; what is announced from here on ends the next wait."""
        ...

    def wait(self, seconds: float) -> object:
        """Wait until it rings, but no longer than so many seconds."""
        ...

    def end(self) -> None:
        """End the wait, and every later one, at once."""
        ...

    def close(self) -> None:
        """Stop listening, for good."""
        ...


class Follower:
    """Looks at the ledger when it has a new row, in a thread of its own; and every five seconds anyway.

    Twice a second where new rows can't be heard, a rollout reports or a version is to be tried again.

    Parameters
    ----------
    loader : Loader
    read_ledger : callable
    rollouts : Rollouts, optional
        Carries out rollouts; without it they are left alone.
    prepare : callable, optional
        Called once after the first look that found the ledger: what makes the first fetch fast.
    bell : callable, optional
        Makes what waits for a new row from what waits without listening.
    """

    def __init__(
        self,
        loader: Loader,
        read_ledger: ReadLedger,
        *,
        rollouts: Rollouts | None = None,
        prepare: Callable[[], None] | None = None,
        bell: Callable[[Callable[[float], object]], Bell] | None = None,
    ) -> None:
        self.looked = False
        self.reachable = False
        self._loader, self._read, self._prepare = loader, read_ledger, prepare
        self._rollouts = rollouts
        self._wait: dict[str, tuple[Entry, float, float]] = {}
        self._absent: dict[str, float] = {}
        self._prepare_at = 0.0
        self._looked_once = threading.Event()
        self._stopping = threading.Event()
        self._bell = bell(self._stopping.wait) if bell is not None else None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Start to look."""
        self._prepare_at = monotonic() + _PREPARE_SECONDS
        self._thread.start()

    def wait_for_first_look(self, seconds: float) -> None:
        """Wait until the ledger was asked once, whatever came of it, but no longer than so many seconds."""
        self._looked_once.wait(seconds)

    def close(self) -> None:
        """Stop; a fetch that is under way is left behind."""
        if self._bell is not None:
            self._bell.end()  # first: the thread lets the bell go when it sees that it is to stop
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)
        if self._rollouts is not None:
            self._rollouts.close()

    def look(self) -> None:
        """Look once: serve what the ledger says where something else is served."""
        try:
            orders = self._read()
        except LeadloopError as error:
            if self.reachable or not self.looked:
                logger.warning("ledger_away error=%s", error)
            self._seen(False)
            return
        for model, entry in orders.current.items():
            served = self._find(model)
            if served is not None:
                self._follow(served, entry)
        for served in self._loader.models.all():
            if served.spec.name not in orders.current:
                self._without_entry(served)
        if self._rollouts is not None:
            self._rollouts.follow(orders.rollouts, self._find)
        self._seen(True)

    def _find(self, model: str) -> ServedModel | None:
        """Return a model of the ledger; one without a model file is looked for now and then."""
        if monotonic() < self._absent.get(model, 0.0):
            return None
        found = self._loader.find(model)
        if found is None:
            self._absent[model] = monotonic() + _ABSENT_SECONDS
            logger.warning("model_unknown model=%s reason=no_model_file", model)
        return found

    def _seen(self, reachable: bool) -> None:
        self.reachable, self.looked = reachable, True
        self._loader.metrics.ledger_reachable.set(reachable)

    def _follow(self, served: ServedModel, entry: Entry) -> None:
        served.in_production = entry.to_version
        if _serves(served, entry):
            served.problem = None
            return
        name = served.spec.name
        failed, due, pause = self._wait.get(name, (entry, 0.0, _FIRST_RETRY_SECONDS))
        if failed.seq != entry.seq:
            due, pause = 0.0, _FIRST_RETRY_SECONDS
        if monotonic() < due:
            return
        try:
            self._loader.serve(served, entry)
        except Exception as error:  # one model's bad version must not stop the others from being followed
            served.problem = _sentence(error)
            self._wait[name] = (entry, monotonic() + pause, min(2 * pause, _LONGEST_RETRY_SECONDS))
            self._loader.metrics.swap_refusals.labels(name, entry.to_version).inc()
            logger.error("version_refused model=%s version=%s: %s", name, entry.to_version, served.problem)
        else:
            served.problem = None
            self._wait.pop(name, None)

    def _without_entry(self, served: ServedModel) -> None:
        served.in_production = None
        served.problem = None
        if served.serves_a_version:
            self._loader.withdraw(served)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._bell is not None:
                self._bell.connect()  # before the look: no row can fall between the two
            try:
                self.look()
                self._prepare_once()
            except Exception as error:  # the thread lives as long as the process does
                logger.exception("look_failed error=%s", type(error).__name__)
            self._looked_once.set()
            if self._bell is None:
                self._stopping.wait(_POLL_SECONDS)
            else:
                self._bell.wait(self._pause(self._bell))
        if self._bell is not None:
            self._bell.close()

    def _pause(self, bell: Bell) -> float:
        under_way = self._wait or not self.reachable or self._prepare is not None
        reports = self._rollouts is not None and self._rollouts.under_way
        return _POLL_SECONDS if under_way or reports or not bell.listening else _QUIET_SECONDS

    def _prepare_once(self) -> None:
        """Prepare a while after the start: until then the first answers have the processor."""
        if self.reachable and self._prepare is not None and monotonic() > self._prepare_at:
            prepare, self._prepare = self._prepare, None
            prepare()


def _serves(served: ServedModel, entry: Entry) -> bool:
    answering = served.answering
    return (
        answering is not None
        and answering.version == entry.to_version
        and answering.answered_by is AnsweredBy.MODEL
        and answering.since == entry.at
    )


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, LeadloopError) else f"{type(error).__name__}: {error}"[:300]
