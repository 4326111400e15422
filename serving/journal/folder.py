"""The files of a journal, seen from outside of the processes that write it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from serving.journal.contexts import CONTEXT
from serving.journal.encoding import HEAD
from serving.journal.frames import HEAD as FRAME
from serving.journal.frames import MARK
from serving.journal.segment import SUFFIX

LOCK = "shipper.lock"
REFUSED = "refused"


def segments(folder: Path) -> list[Path]:
    """Return the segments, oldest first."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(SUFFIX)]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names)]


def used_bytes(folder: Path) -> int:
    """Return the bytes of all segments."""
    return sum(_size(path) for path in segments(folder))


def waiting_bytes(folder: Path) -> int:
    """Return the bytes that were not brought to the database yet."""
    return sum(max(0, _size(path) - read_offset(path)) for path in segments(folder))


def oldest_waiting(folder: Path) -> int | None:
    """Return when the oldest answer was given that is not in the database yet, in microseconds since 1970."""
    found = [at for path in segments(folder) if (at := _first_at(path)) is not None]
    return min(found, default=None)


def read_offset(segment: Path) -> int:
    """Return how far a segment was brought to the database."""
    try:
        return int(segment.with_suffix(".off").read_bytes())
    except (OSError, ValueError):
        return 0


def write_offset(segment: Path, offset: int) -> None:
    """Remember how far a segment was brought to the database."""
    file = os.open(segment.with_suffix(".off"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, b"%020d" % offset, 0)
    finally:
        os.close(file)


def remove(segment: Path) -> None:
    """Take a segment off the disk."""
    segment.unlink(missing_ok=True)  # before its offset: without that all of it would be read again
    segment.with_suffix(".off").unlink(missing_ok=True)


def keep_bad(segment: Path) -> None:
    """Keep a segment for a person, whatever becomes of it here."""
    with suppress(FileExistsError):
        segment.with_suffix(".bad").hardlink_to(segment)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # brought in and gone meanwhile
        return 0


def _first_at(path: Path) -> int | None:
    try:
        with path.open("rb", buffering=0) as file:
            return next(_moments(file.fileno(), read_offset(path)), None)
    except OSError:
        return None


def _moments(file: int, start: int) -> Iterator[int]:
    while len(head := os.pread(file, FRAME.size + HEAD.size, start)) == FRAME.size + HEAD.size:
        mark, length, _ = FRAME.unpack_from(head)
        if mark != MARK:
            return
        if head[FRAME.size] != CONTEXT:
            yield HEAD.unpack_from(head, FRAME.size)[3]
        start += FRAME.size + length
