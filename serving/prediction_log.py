"""Every answer is kept, behind the caller's back.

A request hands its answers over and goes on. One thread writes them to Postgres; while that is away they
go to the spool on disk and are brought in later. The prediction's id makes each of them one row, however
often a batch is written.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from msgspec import MsgspecError

from estate.core.errors import SettingsError, StoreError
from estate.core.frame import Frame
from estate.core.prediction import Prediction
from serving.metrics import Metrics
from serving.predictors import SignedScores
from serving.spool import Spool

logger = logging.getLogger(__name__)

Write = Callable[[Sequence[Prediction]], int]
"""Keeps predictions, all or none, and says how many were new; raises StoreError while Postgres is away."""

_LINGER_SECONDS = 0.1
_AWAY_SECONDS = 1.0
_BATCH_ROWS = 5_000


@dataclass(frozen=True)
class AnsweredRows:
    """The answers of one request, not yet spread out into one object a row.

    Parameters
    ----------
    model : str
    ids : list of str
        UUIDs, one a row.
    entities : list of (str or None)
    features : Frame
        What the model read.
    scores : SignedScores
    fingerprint : str
        Of the feature set.
    at : datetime
    """

    model: str
    ids: list[str]
    entities: Sequence[str | None]
    features: Frame
    scores: SignedScores
    fingerprint: str
    at: datetime

    def predictions(self) -> list[Prediction]:
        """Return one prediction a row."""
        rows = zip(
            self.ids,
            self.scores.origins(),
            self.entities,
            self.scores.score.tolist(),
            self.scores.labels(),
            self.features.records(),
            strict=True,
        )
        return [
            Prediction(
                id_, self.model, version, by, entity, score, label, features, self.fingerprint, self.at
            )
            for id_, (version, by), entity, score, label, features in rows
        ]


class PredictionLog:
    """Keeps answers in the background.

    Parameters
    ----------
    write : callable
    spool : Spool
    metrics : Metrics
    queue_rows : int
        Predictions that may wait in memory; beyond it they are dropped, and counted.
    """

    def __init__(self, write: Write, spool: Spool, metrics: Metrics, *, queue_rows: int = 100_000) -> None:
        self._write, self._spool, self._metrics = write, spool, metrics
        self._queue_rows = queue_rows
        self._queue: deque[AnsweredRows] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._away_until = 0.0
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def put(self, rows: AnsweredRows) -> None:
        """Hand over the answers of one request; never waits and never fails."""
        count = len(rows.ids)
        with self._lock:
            full = self._waiting + count > self._queue_rows
            if not full:
                self._queue.append(rows)
                self._waiting += count
        if full:
            self._metrics.log_dropped.inc(count)
            logger.error("predictions_dropped rows=%d reason=queue_full", count)
        self._wake.set()

    def close(self) -> None:
        """Write or spool all that waits, then stop."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_AWAY_SECONDS)
            self._wake.clear()
            self._stopping.wait(self._linger())
            try:
                self._pass()
            except Exception as error:  # a full disk, say: the thread lives on and says so
                logger.error("prediction_log_failed error=%s", type(error).__name__)
        self._pass()

    def _linger(self) -> float:
        """Wait longer while batches go to disk: fewer files."""
        return _AWAY_SECONDS if self._away else _LINGER_SECONDS

    @property
    def _away(self) -> bool:
        return monotonic() < self._away_until

    def _pass(self) -> None:
        while batch := self._take():
            self._keep(batch)
        if not self._away and not self._stopping.is_set():
            self._replay()
        self._metrics.log_queue.set(self._waiting)
        self._metrics.log_spool.set(len(self._spool.files()))

    def _take(self) -> list[Prediction]:
        batch: list[Prediction] = []
        while len(batch) < _BATCH_ROWS:
            with self._lock:
                if not self._queue:
                    break
                rows = self._queue.popleft()
                self._waiting -= len(rows.ids)
            batch.extend(rows.predictions())
        return batch

    def _keep(self, batch: list[Prediction]) -> None:
        if not self._away and self._store(batch):
            return
        try:
            self._spool.add(batch)
        except OSError as error:  # the disk is full or gone: nowhere is left to keep it
            self._metrics.log_dropped.inc(len(batch))
            logger.error("predictions_dropped rows=%d reason=%s", len(batch), type(error).__name__)
        else:
            self._metrics.log_spooled.inc(len(batch))

    def _store(self, batch: list[Prediction]) -> bool:
        """Write to Postgres; False if it is away."""
        try:
            new = self._write(batch)
        except (StoreError, SettingsError) as error:
            if not self._away_until:
                logger.warning("prediction_log_away error=%s", type(error).__name__)
            self._away_until = monotonic() + _AWAY_SECONDS
            return False
        except Exception as error:  # one bad row must not hold up the others
            return self._store_each(batch, error)
        self._away_until = 0.0
        self._metrics.log_written.inc(new)
        return True

    def _store_each(self, batch: list[Prediction], error: Exception) -> bool:
        if len(batch) == 1:
            path = self._spool.put_aside(batch)
            self._metrics.log_refused.inc()
            logger.error("prediction_refused file=%s error=%s", path.name, type(error).__name__)
            return True
        middle = len(batch) // 2
        halves = [self._store(half) for half in (batch[:middle], batch[middle:])]
        return all(halves)

    def _replay(self) -> None:
        for path in self._spool.files():
            try:
                batch = self._spool.read(path)
            except FileNotFoundError:  # another serving process of this home was faster
                continue
            except MsgspecError as error:
                path.rename(path.with_suffix(".bad"))
                logger.error("spool_unreadable file=%s error=%s", path.name, type(error).__name__)
                continue
            if not self._store(batch):
                return
            self._spool.remove(path)
