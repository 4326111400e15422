"""What is done so far, beside the target: a run that is killed goes on from there.

::

    .NAME.work/
        lock       held by the run that works here
        journal    JSON lines: what the run is of, then one line a chunk that is on disk
        rows       the target's bytes
        bad        rows that were put aside
        query/     rows of a query, as they were read

A chunk counts once its line is in the journal, and the line is written when its bytes are on disk. What lies
after the last line's end is cut off when a run goes on. The target gets its name when all is there.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from estate.core.errors import LeadloopError

_FINISHED = "finished "
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """A chunk that is on disk.

    Parameters
    ----------
    read, written, bad : int
        Rows up to its end.
    rows_from, rows_to : int
        Its bytes in the target.
    bad_to : int
        End of the rows that were put aside.
    metadata : bytes
    """

    read: int
    written: int
    bad: int
    rows_from: int
    rows_to: int
    bad_to: int
    metadata: bytes

    def line(self) -> str:
        """Return it as a line of the journal."""
        return json.dumps({**self.__dict__, "metadata": base64.b64encode(self.metadata).decode()})

    @classmethod
    def parse(cls, line: str) -> Done:
        """Read a line."""
        found = json.loads(line)
        return cls(**{**found, "metadata": base64.b64decode(found["metadata"])})


NOTHING = Done(0, 0, 0, 0, 0, 0, b"")


@dataclass
class Work:
    """The folder of a run.

    Parameters
    ----------
    target : Path
    header : dict
        What the run is of; empty if there is none.
    last : Done
        The last chunk on disk.
    finished : bool
        Whether all is there but the names.
    malformed : int
        Lines of the source that are no rows.
    """

    target: Path
    header: dict[str, Any] = field(default_factory=dict)
    last: Done = NOTHING
    finished: bool = False
    malformed: int = 0

    @property
    def bad(self) -> int:
        """Rows and lines that were put aside."""
        return self.last.bad + self.malformed

    @property
    def folder(self) -> Path:
        """Where all is kept."""
        return self.target.with_name(f".{self.target.name}.work")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other run work here.

        Raises
        ------
        LeadloopError
            If one does, or there is no room on the disk.
        """
        with self.explained():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("wb")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LeadloopError(
                    f"file {self.target}",
                    expected="to be written by one run at a time",
                    got="another one that works on it",
                    todo="Wait for it, or stop it.",
                ) from error
            with self.explained():
                yield

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say what to do when the disk is full."""
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise LeadloopError(
                f"file {self.target}",
                expected="room on the disk",
                got=os.strerror(error.errno or 0).lower(),
                todo=f"Make room and run the same command: it goes on at row {self.last.read}.",
            ) from error

    def load(self) -> None:
        """Read what an earlier run left; a line that was not written whole does not count."""
        self._forget()
        try:
            for line in self._lines():
                if not self.header:
                    self.header = json.loads(line)
                elif line.startswith(_FINISHED):
                    self.finished, self.malformed = True, int(line.removeprefix(_FINISHED))
                else:
                    self.last = Done.parse(line)
        except (ValueError, TypeError, KeyError):
            self.header = {}
        if not self.header or not self._whole():
            self._forget()

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """Yield where each chunk begins in the target, and what its end needs to know of it."""
        for line in islice(self._lines(), 1, None):
            if not line.startswith(_FINISHED) and (done := Done.parse(line)).metadata:
                yield done.rows_from, done.metadata

    def _lines(self) -> Iterator[str]:
        try:
            with (self.folder / "journal").open() as journal:
                yield from (line[:-1] for line in journal if line.endswith("\n"))
        except FileNotFoundError:
            return

    def _forget(self) -> None:
        self.header, self.last, self.finished, self.malformed = {}, NOTHING, False, 0

    def _whole(self) -> bool:
        """Whether the bytes are there that the journal tells of."""
        sizes = {name: _size(self.folder / name) for name in ("rows", "bad")}
        return self.finished or (sizes["rows"] >= self.last.rows_to and sizes["bad"] >= self.last.bad_to)

    def clear(self, *, keep: str = "") -> None:
        """Forget what was done; ``keep`` names a folder that stays."""
        for path in self.folder.iterdir():
            if path.is_dir() and path.name != keep:
                shutil.rmtree(path)
            elif path.is_file() and path.name != "lock":
                path.unlink()
        self._forget()

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, header: Mapping[str, Any]) -> None:
        """Write what the run is of."""
        self.header = dict(header)
        with (self.folder / "journal").open("w") as journal:
            journal.write(json.dumps(self.header) + "\n")
            _sync(journal)

    @contextmanager
    def appending(self) -> Iterator[Append]:
        """Give what appends chunks, after those that are there."""
        with (
            (self.folder / "rows").open("ab") as rows,
            (self.folder / "bad").open("ab") as bad,
            (self.folder / "journal").open("rb+") as journal,
        ):
            rows.truncate(self.last.rows_to)
            bad.truncate(self.last.bad_to)
            whole = journal.read().rfind(b"\n") + 1
            journal.truncate(whole)
            journal.seek(whole)
            yield Append(self, rows, bad, journal)

    def put(self, names: Mapping[str, Path]) -> None:
        """Give finished files their names, the target last, and remove the folder."""
        for name, path in names.items():
            if (self.folder / name).exists():
                (self.folder / name).replace(path)
        self.remove()


@dataclass
class Append:
    """Open files of a run."""

    work: Work
    rows: BinaryIO
    bad: BinaryIO
    journal: BinaryIO

    def head(self, rows: bytes, bad: bytes) -> None:
        """Begin both files, if nothing is in them."""
        if not self.work.last.rows_to:
            self._keep(Done(0, 0, 0, 0, self._put(self.rows, rows), self._put(self.bad, bad), b""))

    def chunk(self, read: int, rows: tuple[int, Any, bytes], bad: tuple[int, bytes]) -> None:
        """Append a chunk: rows read, rows with their bytes and metadata, bad rows with their bytes."""
        last = self.work.last
        written, content, metadata = rows
        count, lines = bad
        self._keep(
            Done(
                last.read + read,
                last.written + written,
                last.bad + count,
                last.rows_to,
                self._put(self.rows, content),
                self._put(self.bad, lines),
                metadata,
            )
        )

    def finish(self, rows: bytes, bad: bytes, malformed: int) -> None:
        """Write the ends of both files, the second with so many more lines."""
        self._put(self.rows, rows)
        self._put(self.bad, bad)
        self.journal.write(f"{_FINISHED}{malformed}\n".encode())
        _sync(self.journal)
        self.work.finished, self.work.malformed = True, malformed

    def _put(self, file: BinaryIO, content: Any) -> int:
        if len(content):
            file.write(content)
            _sync(file)
        return file.seek(0, os.SEEK_END)

    def _keep(self, done: Done) -> None:
        self.journal.write(done.line().encode() + b"\n")
        _sync(self.journal)
        self.work.last = done


def _sync(file: Any) -> None:
    file.flush()
    os.fdatasync(file.fileno())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1 if path.name == "rows" else 0
