"""One segment, as the shipper follows it."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path
from time import monotonic

import msgspec

from estate.store.prediction_writer import KeptRows
from serving.journal import folder as files
from serving.journal import frames
from serving.journal.contexts import CONTEXT, Context, read
from serving.journal.decoding import Unreadable
from serving.journal.gathering import Gathering

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 4 * 1024 * 1024
_DOUBT_SECONDS = 2.0


class Tail:
    """The part of a segment that is not in the database yet.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        If it is gone, or can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept = files.read_offset(path)
        self.read_to = 0
        self._contexts: dict[int, Context] = {}
        self._file = os.open(path, os.O_RDONLY)
        self._doubt: tuple[int, float] | None = None
        self._recall()

    def next_rows(self) -> list[KeptRows]:
        """Return the next rows; none if there are none now."""
        content = os.pread(self._file, _CHUNK_BYTES, self.read_to)
        if more := frames.missing(content, 0):
            content += os.pread(self._file, more, self.read_to + len(content))
        gathered, end = self._gathered(content)
        if not end and content:
            end = self._skipped()
        self.read_to += end
        return gathered.rows()

    @property
    def finished(self) -> bool:
        """Whether nobody writes to it any more."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @property
    def left_bytes(self) -> int:
        """How many bytes it has that were not read."""
        return os.fstat(self._file).st_size - self.read_to

    def keep(self) -> None:
        """Remember that all that was read is in the database."""
        if self.read_to != self.kept:
            files.write_offset(self.path, self.read_to)
            self.kept = self.read_to

    def again(self) -> None:
        """Go back to what is in the database: what was read since then could not be written."""
        self.read_to = self.kept

    def drop(self) -> None:
        """Take the finished segment off the disk; say so if its end was never finished."""
        if rest := self.left_bytes:
            content = os.pread(self._file, frames.HEAD.size, self.read_to)
            if frames.missing(content, 0) or len(content) < frames.HEAD.size:
                logger.warning("journal_torn file=%s bytes=%d: never answered", self.path.name, rest)
            else:
                self._bad(self.read_to)
        files.remove(self.path)
        self.close()

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    def _gathered(self, content: bytes) -> tuple[Gathering, int]:
        """Return the rows of whole records at the content's start, and where these end."""
        gathered, end = Gathering(self._contexts), 0
        for found in frames.whole(content):
            record = found.record
            try:
                if record[0] == CONTEXT:
                    key, context = read(record)
                    self._contexts[key] = context
                else:
                    gathered.add(record)
            except (Unreadable, IndexError, msgspec.MsgspecError):
                self._bad(self.read_to + found.start)
            end = found.end
        return gathered, end

    def _skipped(self) -> int:
        """Return the length of what can't be read, if something whole lies behind it; else 0.

        What another process is writing may look broken for a moment.
        """
        if not self.finished:
            at, since = self._doubt or (-1, 0.0)
            if at != self.read_to:
                self._doubt = self.read_to, monotonic()
                return 0
            if monotonic() - since < _DOUBT_SECONDS:
                return 0
        content = os.pread(self._file, self.left_bytes, self.read_to)
        if frames.at(content, 0) is not None:  # it is whole by now
            return 0
        found = frames.next_whole(content, 0)
        if found is None:
            return 0
        self._bad(self.read_to)
        return found

    def _bad(self, start: int) -> None:
        files.keep_bad(self.path)
        name = self.path.with_suffix(".bad").name
        logger.error("journal_unreadable file=%s byte=%d: the record is lost, the file kept", name, start)

    def _recall(self) -> None:
        """Read the contexts of what is in the database already."""
        while self.read_to < self.kept:
            content = os.pread(self._file, min(_CHUNK_BYTES, self.kept - self.read_to), self.read_to)
            if more := frames.missing(content, 0):
                content += os.pread(self._file, more, self.read_to + len(content))
            end = self._recalled(content)
            if not end:
                end = frames.next_whole(content, 0) or len(content)
            if not content:
                break
            self.read_to += end
        self.read_to = self.kept

    def _recalled(self, content: bytes) -> int:
        end = 0
        for found in frames.whole(content):
            if found.record[:1] == bytes((CONTEXT,)):
                key, context = read(found.record)
                self._contexts[key] = context
            end = found.end
        return end
