"""One file of records, as the process that writes it sees it."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from serving.journal.encoding import Record
from serving.journal.frames import framed

SUFFIX = ".seg"


class Segment:
    """A file that only this process appends to, and holds a lock on as long as it does.

    It has its name only once it is locked: a shipper takes an unlocked one for finished.

    Parameters
    ----------
    path : Path
        Of a file that is not there yet.

    Raises
    ------
    OSError
        If it can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, 0
        self._contexts: set[int] = set()
        unnamed = path.with_suffix(".new")
        self._file = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(path)
        except OSError:
            os.close(self._file)
            with suppress(OSError):
                unnamed.unlink()
            raise

    def append(self, record: Record) -> None:
        """Write a record, whole or not at all; it is in the file when this returns.

        Raises
        ------
        OSError
            If there is no room, or the disk is gone.
        """
        new = [(key, content) for key, content in record.contexts if key not in self._contexts]
        content = b"".join([*(framed(context) for _, context in new), framed(record.content)])
        try:
            if os.pwrite(self._file, content, self.size) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self._file, self.size)  # what was written of it would end what can be read
            raise
        self.size += len(content)
        self._contexts.update(key for key, _ in new)

    def seal(self) -> None:
        """Bring it to the disk itself and let it go: it is finished."""
        try:
            with suppress(OSError):  # a disk that is gone; what could be done was done
                os.fsync(self._file)
        finally:
            os.close(self._file)

    def discard(self) -> None:
        """Take it off the disk: nothing was written to it."""
        with suppress(OSError):
            self.path.unlink()
        os.close(self._file)

    def leave(self) -> None:
        """Let go of what a forked process inherited: its parent goes on with the file."""
        os.close(self._file)
