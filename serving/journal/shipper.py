"""Brings the segments of all processes of this machine to Postgres, living and dead, each row once.

A batch is written in one transaction, then how far it went is remembered. Killed in between, the same rows
are read again, and those that are there already are left out by their ids.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from estate.core.errors import SettingsError, StoreError
from estate.store.prediction_writer import KeptRows
from serving.journal import folder as files
from serving.journal.delivery import Delivery
from serving.journal.merging import merged
from serving.journal.old_spool import bring_in
from serving.journal.tail import Tail

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
"""Each batch takes the processor from a few requests, however small it is."""
_LOCK_SECONDS = 0.5
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 2.0
_BATCH_ROWS = 10_000


@dataclass
class _Batch:
    rows: list[KeptRows] = field(default_factory=list)
    count: int = 0
    read: list[Tail] = field(default_factory=list)
    full: bool = False


class Shipper:
    """Follows a journal; only one at a time does, whoever has the lock.

    Parameters
    ----------
    folder : Path
        Of the journal.
    delivery : Delivery
    spool : Path, optional
        Where the former version kept what it could not write.
    """

    def __init__(self, folder: Path, delivery: Delivery, *, spool: Path | None = None) -> None:
        self.folder, self._delivery, self._spool = folder, delivery, spool
        self._tails: dict[Path, Tail] = {}

    def run(self, stopping: threading.Event) -> None:
        """Ship until it is to stop, then ship what is left if the database is there."""
        lock = self._locked(stopping)
        if lock is None:
            return
        try:
            self._follow(stopping)
            self._last()
        finally:
            for tail in self._tails.values():
                tail.close()
            self._tails.clear()
            self._delivery.writer.close()
            os.close(lock)

    def ship(self) -> bool:
        """Bring one batch to the database and say whether there may be more; the lock is held.

        Raises
        ------
        StoreError, SettingsError
            If the database is away; nothing is lost.
        """
        batch = self._batch()
        try:
            self._delivery.deliver(merged(batch.rows))
        except Exception:
            for tail in batch.read:
                tail.again()
            raise
        for tail in batch.read:
            tail.keep()
        return batch.full

    def _locked(self, stopping: threading.Event) -> int | None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / files.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if stopping.wait(_LOCK_SECONDS):
                    os.close(lock)
                    return None
            else:
                return lock

    def _follow(self, stopping: threading.Event) -> None:
        pause = 0.0
        while not stopping.wait(pause):
            pause = self._pause_after(pause)

    def _pause_after(self, pause: float) -> float:
        try:
            if self._spool is not None:
                bring_in(self._spool, self._delivery)
                self._spool = None
            return 0.0 if self.ship() else POLL_SECONDS
        except (StoreError, SettingsError) as error:
            if pause <= POLL_SECONDS:
                logger.warning("prediction_log_away: %s", error)
        except Exception as error:  # a disk that is gone, say: it lives on and says so
            logger.exception("prediction_log_failed error=%s", type(error).__name__)
        return min(max(2 * pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)

    def _last(self) -> None:
        try:
            while self.ship():
                pass
        except Exception as error:  # it stays on disk, for the next one
            logger.warning("prediction_log_left error=%s", type(error).__name__)

    def _batch(self) -> _Batch:
        batch = _Batch()
        paths = files.segments(self.folder)
        for path in paths:
            tail = self._tail(path)
            if tail is not None:
                self._read(tail, batch)
            if batch.full:
                break
        for path in self._tails.keys() - set(paths):  # somebody removed it
            self._tails.pop(path).close()
        return batch

    def _read(self, tail: Tail, batch: _Batch) -> None:
        """Read what a segment has; one that is finished and in the database is removed."""
        finished, start = tail.finished, tail.read_to
        while batch.count < _BATCH_ROWS:
            before = tail.read_to
            rows = tail.next_rows()
            batch.rows.extend(rows)
            batch.count += sum(map(len, rows))
            if tail.read_to == before:
                break
        else:
            batch.full = True
        if tail.read_to != start:
            batch.read.append(tail)
            batch.full = batch.full or finished  # its end is looked at with the next batch
        elif finished and not batch.full:
            del self._tails[tail.path]
            tail.drop()

    def _tail(self, path: Path) -> Tail | None:
        if path not in self._tails:
            try:
                self._tails[path] = Tail(path)
            except FileNotFoundError:
                return None
        return self._tails[path]
