"""Every answer is kept: on this machine's disk before it is sent, in Postgres moments later.

See :mod:`serving.journal`. The prediction's id makes each of them one row, however often it is written.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, time

from estate.core.errors import SettingsError, StoreError
from estate.core.frame import Frame
from estate.core.prediction import Prediction
from estate.core.settings import Settings
from estate.store.prediction_writer import PredictionWriter
from serving.journal import encoding
from serving.journal import folder as files
from serving.journal.contexts import read
from serving.journal.decoding import rows_of
from serving.journal.delivery import Delivery
from serving.journal.encoding import ComparedRows, Record
from serving.journal.journal import MOST_BYTES, QUEUE_ROWS, RETRY_SECONDS, SEGMENT_BYTES, Journal
from serving.journal.places import journal_folder, spool_folder
from serving.journal.shipper import Shipper
from serving.metrics import Metrics
from serving.predictors import SignedScores

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class AnsweredRows:
    """The answers of one request or micro-batch, not spread out into one object a row.

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


@dataclass(frozen=True)
class Limits:
    """How much the log may take.

    Parameters
    ----------
    disk_bytes : int
        Of the journal of all processes.
    segment_bytes : int
        Of one of its files.
    queue_rows : int
        Predictions that may wait in memory while the disk takes nothing.
    """

    disk_bytes: int = MOST_BYTES
    segment_bytes: int = SEGMENT_BYTES
    queue_rows: int = QUEUE_ROWS


class PredictionLog:
    """Takes answers from any thread; writes each to the journal before it returns.

    Parameters
    ----------
    folder : Path
        Of the journal.
    metrics : Metrics
    address : callable
        Returns the database's address; raises SettingsError where none is known.
    ship : bool
        Whether a thread of this process brings the journal to the database; else another process does
        (``python -m serving.journal``).
    spool : Path, optional
        Where the former version kept what it could not write.
    limits : Limits
    """

    def __init__(  # noqa: PLR0913 - all but two by keyword
        self,
        folder: Path,
        metrics: Metrics,
        *,
        address: Callable[[], str],
        ship: bool = True,
        spool: Path | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self.folder, self._metrics = folder, metrics
        self._woken, self._stopping, self._ending = threading.Event(), threading.Event(), threading.Event()
        self._journal = Journal(
            folder,
            segment_bytes=limits.segment_bytes,
            most_bytes=limits.disk_bytes,
            queue_rows=limits.queue_rows,
            count_kept=metrics.log_journaled.inc,
            count_dropped=metrics.log_dropped.inc,
            waits=self._woken.set,
        )
        self._rescue = self._delivery(address)
        self._threads = [threading.Thread(target=self._watch, name="prediction-log", daemon=True)]
        if ship:
            shipper = Shipper(folder, self._delivery(address), spool=spool)
            self._threads.append(
                threading.Thread(target=shipper.run, args=(self._ending,), name="shipper", daemon=True)
            )

    def _delivery(self, address: Callable[[], str]) -> Delivery:
        count, count_refused = self._metrics.log_written.inc, self._metrics.log_refused.inc
        writer = PredictionWriter(address)
        return Delivery(writer, self.folder, count_written=count, count_refused=count_refused)

    def start(self) -> None:
        """Start the threads that retry, measure and ship."""
        for thread in self._threads:
            thread.start()

    def put(self, rows: AnsweredRows) -> None:
        """Keep the answers of a micro-batch: they are on disk when this returns; never fails."""
        self._keep(lambda: encoding.predictions(rows), len(rows.ids))

    def put_compared(self, rows: ComparedRows) -> None:
        """Keep what two versions said of the same rows; never fails."""
        self._keep(lambda: encoding.pairs(rows), len(rows.ids))

    def close(self) -> None:
        """Finish the journal; a shipper of this process brings what it can to the database."""
        self._stopping.set()
        self._woken.set()
        watch, *others = self._threads
        if watch.is_alive():
            watch.join()
        self._retry()
        self._journal.close()
        if rows := self._journal.waiting_rows:
            self._lost(rows, "end_of_the_process")
        self._ending.set()
        for thread in others:
            if thread.is_alive():
                thread.join()
        self._rescue.writer.close()

    def _keep(self, encode: Callable[[], Record], rows: int) -> None:
        try:
            record = encode()
        except Exception as error:  # whatever a user's own feature made: the caller gets the answer
            self._lost(rows, type(error).__name__)
        else:
            self._journal.put(record)

    def _lost(self, rows: int, reason: str) -> None:
        self._metrics.log_dropped.inc(rows)
        logger.error("predictions_dropped rows=%d reason=%s", rows, reason)

    def _watch(self) -> None:
        look_at = 0.0
        while not self._paused():
            try:
                self._retry()
                if monotonic() >= look_at:
                    self._look()
                    look_at = monotonic() + _LOOK_SECONDS
            except Exception as error:  # a folder that is gone, say: the thread lives on and says so
                logger.error("prediction_log_failed error=%s", type(error).__name__)

    def _paused(self) -> bool:
        """Wait until there is something to do, and say whether it is to stop.

        Each waking takes Python's lock from whoever answers: there are few while the disk takes everything.
        """
        if self._journal.waiting_rows:
            self._stopping.wait(RETRY_SECONDS)
        else:
            self._woken.wait(_LOOK_SECONDS)
            self._woken.clear()
        return self._stopping.is_set()

    def _retry(self) -> None:
        """Bring what waits in memory to the disk, or else straight to the database."""
        if not self._journal.waiting_rows or self._journal.retry():
            return
        while (record := self._journal.take()) is not None:
            contexts = dict(read(content) for _, content in record.contexts)
            try:
                self._rescue.deliver(rows_of(record.content, contexts))
            except (StoreError, SettingsError, OSError):  # neither takes it: it goes on waiting
                self._journal.give_back(record)
                return
            except Exception as error:  # what can't be read back can't be kept
                self._lost(record.rows, type(error).__name__)

    def _look(self) -> None:
        self._metrics.log_queue.set(self._journal.waiting_rows)
        self._metrics.log_waiting_bytes.set(files.waiting_bytes(self.folder))
        oldest = files.oldest_waiting(self.folder)
        self._metrics.log_behind.set(max(0.0, time() - oldest / 1e6) if oldest is not None else 0.0)


def make_log(settings: Settings, metrics: Metrics, *, ship: bool = True) -> PredictionLog:
    """Return the log of an installation.

    Parameters
    ----------
    ship : bool
        Whether this process brings the journal to the database.
    """
    most = int(settings.serving_journal_mb * 1024 * 1024)
    return PredictionLog(
        journal_folder(settings),
        metrics,
        address=lambda: settings.endpoint("database_url"),
        ship=ship,
        spool=spool_folder(settings),
        limits=Limits(disk_bytes=most, segment_bytes=min(SEGMENT_BYTES, most // 8)),
    )
