"""A new version scores what the present one answers, behind everybody's back."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from serving.predictors.canary import error_name, timed
from serving.predictors.cases import Cases
from serving.predictors.share import Share
from serving.predictors.signed import SignedScores, sign
from serving.tally import Tally

logger = logging.getLogger(__name__)

Keep = Callable[[Cases, SignedScores, SignedScores], None]
"""Takes rows with what the present and the new version said of them."""

_WAITING_REQUESTS = 64
_WAITING_ROWS = 20_000


class Shadow:
    """Answers as the present version does; a thread asks both versions for a share of the rows.

    The present one is asked again there, so that both are timed alike, away from the requests.

    Parameters
    ----------
    stable, candidate : Predictor
    share : Share
    tally : Tally
    count_dropped : callable
        Told how many rows were left out because too many waited.
    keep : callable, optional
        Takes what both said of the same rows.
    """

    def __init__(  # noqa: PLR0913 - all but two by keyword
        self,
        stable: Predictor,
        candidate: Predictor,
        *,
        share: Share,
        tally: Tally,
        count_dropped: Callable[[float], None],
        keep: Keep | None = None,
    ) -> None:
        self.stable, self.candidate = stable, candidate
        self._share, self._tally, self._count_dropped, self._keep = share, tally, count_dropped, keep
        self._queue: queue.Queue[Frame | None] = queue.Queue(_WAITING_REQUESTS)
        self._waiting_rows = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    @property
    def version(self) -> str:
        """Version of the present one."""
        return self.stable.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers."""
        return self.stable.answered_by

    def predict_many(self, features: Frame) -> SignedScores:
        """Score every row by the present version; never waits for the other one."""
        scores = sign(self.stable.predict_many(features), self.stable)
        if not self._tally.stopped and not self._closed.is_set():
            chosen = self._share.of(features)
            if chosen.any():
                self._hand_over(_taken(features, chosen))
        return scores

    def close(self) -> None:
        """Score nothing more; returns at once."""
        self._closed.set()
        with suppress(queue.Full):  # then the thread sees that it is closed with the next of them
            self._queue.put_nowait(None)

    def _hand_over(self, features: Frame) -> None:
        rows = len(features)
        with self._lock:
            fits = self._waiting_rows + rows <= _WAITING_ROWS
            if fits:
                try:
                    self._queue.put_nowait(features)
                    self._waiting_rows += rows
                except queue.Full:
                    fits = False
        if not fits:
            self._count_dropped(rows)

    def _run(self) -> None:
        while (features := self._queue.get()) is not None and not self._closed.is_set():
            with self._lock:
                self._waiting_rows -= len(features)
            if not self._tally.stopped:
                self._compare(features)

    def _compare(self, features: Frame) -> None:
        try:
            present = timed(self.stable, features, self._tally.stable)
        except Exception as error:  # it answered a moment ago; then these rows tell nothing
            logger.warning("shadow_skipped version=%s error=%s", self.stable.version, error_name(error))
            return
        try:
            new = timed(self.candidate, features, self._tally.candidate)
        except Exception as error:  # whatever a new version raises is counted
            self._tally.failed(len(features))
            logger.warning("candidate_failed version=%s error=%s", self.candidate.version, error_name(error))
            return
        if self._keep is not None and isinstance(features, Cases) and features.ids:
            self._keep(features, present, new)


def _taken(features: Frame, chosen: NDArray[np.bool_]) -> Frame:
    """Return the chosen rows; they keep their cases and their names."""
    taken = features.take(chosen)
    if not isinstance(features, Cases):
        return taken
    index = np.flatnonzero(chosen).tolist()
    ids = [features.ids[i] for i in index] if features.ids else ()
    return Cases.about(taken, [features.entities[i] for i in index], ids)
