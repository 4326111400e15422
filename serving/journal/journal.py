"""Keeps answers on this machine's disk before they are sent.

What a process wrote is in the hands of the kernel: it survives the process, killed at any moment, but not a
power cut, for which every record would have to wait for the disk itself. A segment is brought to the disk
itself when it is finished.

Where the disk takes nothing, records wait in memory and are tried again; what is too much for that is lost,
counted and said. No answer ever fails because of it.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic, time_ns

from serving.journal import folder as files
from serving.journal.encoding import Record
from serving.journal.segment import SUFFIX, Segment

logger = logging.getLogger(__name__)

Count = Callable[[int], object]


def _uncounted(_rows: int) -> None:
    """Count nothing."""


SEGMENT_BYTES = 64 * 1024 * 1024
MOST_BYTES = 2 * 1024 * 1024 * 1024
QUEUE_ROWS = 100_000
RETRY_SECONDS = 0.25
_LOOK_BYTES = 4 * 1024 * 1024
_SAY_SECONDS = 1.0


class Journal:
    """The segments of one process; safe to share between threads, and to use after a fork.

    Parameters
    ----------
    folder : Path
        Made at the first record.
    segment_bytes : int
        A segment is finished when it has so many.
    most_bytes : int
        Of the segments of all processes of this folder; beyond it the disk counts as full.
    queue_rows : int
        Rows that may wait in memory while the disk takes nothing.
    count_kept, count_dropped : callable
        Told of rows.
    waits : callable
        Called when a record begins to wait in memory; it must not come back here.
    """

    def __init__(  # noqa: PLR0913 - limits, by keyword
        self,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        most_bytes: int = MOST_BYTES,
        queue_rows: int = QUEUE_ROWS,
        count_kept: Count = _uncounted,
        count_dropped: Count = _uncounted,
        waits: Callable[[], object] = lambda: None,
    ) -> None:
        self.folder = folder
        self._segment_bytes, self._most_bytes, self._queue_rows = segment_bytes, most_bytes, queue_rows
        self._count_kept, self._count_dropped, self._waits = count_kept, count_dropped, waits
        self._queue: deque[Record] = deque()
        self.waiting_rows = 0
        self._segment: Segment | None = None
        self._begin()

    def put(self, record: Record) -> None:
        """Keep a record: on disk, or in memory while that takes nothing; never fails."""
        if os.getpid() != self._process:
            self._forked()
        with self._lock:
            if monotonic() < self._retry_at or not self._written(record):
                self._wait(record)

    def take(self) -> Record | None:
        """Take out a record that waits in memory; None if none does."""
        with self._lock:
            if not self._queue:
                return None
            record = self._queue.popleft()
            self.waiting_rows -= record.rows
            return record

    def give_back(self, record: Record) -> None:
        """Put back a record that was taken out, as the first one."""
        with self._lock:
            self._queue.appendleft(record)
            self.waiting_rows += record.rows

    def retry(self) -> bool:
        """Write what waits in memory, as far as the disk takes it; say whether nothing is left."""
        while (record := self.take()) is not None:
            with self._lock:
                written = self._written(record)
            if not written:
                self.give_back(record)
                return False
        return True

    def close(self) -> None:
        """Finish the present segment; a later record begins another one."""
        self.retry()
        with self._lock:
            segment, self._segment = self._segment, None
        if segment is not None:
            segment.seal()

    def _begin(self) -> None:
        self._process, self._lock = os.getpid(), threading.Lock()
        self._name, self._number = f"{time_ns():020d}-{self._process}", 0
        self._segment = None
        self._look_at = 0
        self._retry_at = self._say_at = 0.0
        self._failing = False
        self._unsaid = 0

    def _forked(self) -> None:
        """Begin anew: segment and waiting records are the parent's."""
        if self._segment is not None:
            self._segment.leave()
        self._queue, self.waiting_rows = deque(), 0
        self._begin()

    def _written(self, record: Record) -> bool:
        try:
            self._room().append(record)
        except OSError as error:
            self._refused(error)
            return False
        if self._failing:
            self._failing = False
            logger.warning("prediction_log_disk_takes_again folder=%s", self.folder)
        self._count_kept(record.rows)
        return True

    def _room(self) -> Segment:
        """Return the segment to write to."""
        segment = self._segment
        if segment is not None and segment.size >= self._segment_bytes:
            self._finish()
            segment = None
        if segment is None or segment.size >= self._look_at:
            self._look(segment)
        if segment is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            segment = Segment(self.folder / f"{self._name}-{self._number:06d}{SUFFIX}")
            self._segment, self._number = segment, self._number + 1
        return segment

    def _look(self, segment: Segment | None) -> None:
        """Look now and then, not at every record, how much all processes use."""
        if files.used_bytes(self.folder) >= self._most_bytes:
            raise OSError(errno.EDQUOT, f"the journal has its {self._most_bytes:,} bytes")
        self._look_at = (segment.size if segment else 0) + min(_LOOK_BYTES, self._segment_bytes)

    def _refused(self, error: OSError) -> None:
        self._retry_at = monotonic() + RETRY_SECONDS
        self._finish()  # once it is brought to the database it makes room
        if not self._failing:
            self._failing = True
            logger.error("prediction_log_disk_refuses folder=%s error=%s", self.folder, error.strerror)

    def _finish(self) -> None:
        segment, self._segment, self._look_at = self._segment, None, 0
        if segment is not None and not segment.size:
            segment.discard()
        elif segment is not None:  # bringing it to the disk itself takes a while
            threading.Thread(target=segment.seal, name="seal").start()

    def _wait(self, record: Record) -> None:
        if self.waiting_rows + record.rows > self._queue_rows:
            self._drop(record.rows)
            return
        self._queue.append(record)
        self.waiting_rows += record.rows
        self._waits()

    def _drop(self, rows: int) -> None:
        self._count_dropped(rows)
        self._unsaid += rows
        if monotonic() >= self._say_at:
            logger.error("predictions_dropped rows=%d reason=disk_and_queue_full", self._unsaid)
            self._say_at, self._unsaid = monotonic() + _SAY_SECONDS, 0
