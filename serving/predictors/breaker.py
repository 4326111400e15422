"""Leaves a predictor alone that fails, and tries it again by a few calls at a time.

::

    closed ──(too many failures)──► open ──(after a pause)──► half open ──(all probes good)──► closed
                                     ▲                            │
                                     └──────(one probe failed)────┘

While half open only so many calls are let through at once, however many wait: a predictor that is coming back
must not be trampled by all of them.

References
----------
Nygard, Release It!, 2nd edition, chapter "Stability Patterns".
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from time import monotonic

from estate.core.errors import DataError, LeadloopError
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from serving.predictors.signed import SignedScores, sign

logger = logging.getLogger(__name__)


class State(IntEnum):
    """Whether calls are let through."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class BreakerOpen(LeadloopError):
    """The predictor is left alone after it failed too often."""


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How much a breaker bears.

    Parameters
    ----------
    window : int
        Calls that are looked back on.
    failures : int
        Of these, so many failures open it.
    pause_seconds : float
        How long it stays open the first time; twice as long each time that a probe fails.
    longest_pause_seconds : float
    probes : int
        Calls let through while half open, in all; all must be good.
    """

    window: int = 20
    failures: int = 5
    pause_seconds: float = 1.0
    longest_pause_seconds: float = 30.0
    probes: int = 3


class Breaker:
    """Refuses calls at once while its predictor fails.

    Parameters
    ----------
    inner : Predictor
    tolerance : Tolerance
    on_change : callable, optional
        Told of each new state.
    clock : callable
        Seconds that only rise.
    """

    def __init__(
        self,
        inner: Predictor,
        tolerance: Tolerance = Tolerance(),
        *,
        on_change: Callable[[State], None] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.inner, self.tolerance = inner, tolerance
        self.state = State.CLOSED
        self._on_change, self._clock = on_change, clock
        self._lately: deque[bool] = deque(maxlen=tolerance.window)
        self._pause, self._until = tolerance.pause_seconds, 0.0
        self._trial = self._probes_left = self._good_probes = 0
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """Version of the inner predictor."""
        return self.inner.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers inside."""
        return self.inner.answered_by

    def predict_many(self, features: Frame) -> SignedScores:
        """Score every row.

        Raises
        ------
        BreakerOpen
            If the predictor is left alone at present.
        Exception
            Whatever the predictor raises. Rows that can't be scored (DataError) do not count against it.
        """
        trial = self._enter()
        try:
            scores = sign(self.inner.predict_many(features), self.inner)
        except DataError:
            self._leave(trial, good=True)
            raise
        except Exception:
            self._leave(trial, good=False)
            raise
        self._leave(trial, good=True)
        return scores

    def _enter(self) -> int:
        """Let a call through or not; returns the number of the trial that it is a probe of, 0 if of none."""
        if self.state is State.CLOSED:  # the usual case, without the lock
            return 0
        with self._lock:
            if self.state is State.OPEN and self._clock() >= self._until:
                self._trial += 1
                self._probes_left, self._good_probes = self.tolerance.probes, 0
                self._become(State.HALF_OPEN)
            if self.state is State.HALF_OPEN and self._probes_left:
                self._probes_left -= 1
                return self._trial
            if self._closed:
                return 0
        raise BreakerOpen(
            f"version {self.version}",
            expected="a model that answers",
            got="one that failed too often",
            todo="It is tried again by itself; the log of the serving process says why it fails.",
        )

    def _leave(self, trial: int, *, good: bool) -> None:
        if not trial and good and not self._failing:
            return
        with self._lock:
            if trial:
                self._probed(trial, good)
            elif self.state is State.CLOSED:
                self._lately.append(good)
                if self._lately.count(False) >= self.tolerance.failures:
                    self._open()

    @property
    def _closed(self) -> bool:
        return self.state is State.CLOSED

    @property
    def _failing(self) -> bool:
        return False in self._lately

    def _probed(self, trial: int, good: bool) -> None:
        if self.state is not State.HALF_OPEN or trial != self._trial:  # another probe has decided meanwhile
            return
        if not good:
            self._pause = min(2 * self._pause, self.tolerance.longest_pause_seconds)
            self._open()
            return
        self._good_probes += 1
        if self._good_probes == self.tolerance.probes:
            self._lately.clear()
            self._pause = self.tolerance.pause_seconds
            self._become(State.CLOSED)

    def _open(self) -> None:
        self._until = self._clock() + self._pause
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        logger.warning("breaker version=%s state=%s", self.version, state.name.lower())
        if self._on_change is not None:
            self._on_change(state)
