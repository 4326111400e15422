"""How records lie one after the other: a mark, the length, a checksum, then the record.

A reader that finds a record broken looks for the next mark with a record that is whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

MARK = b"LLJ1"
HEAD = struct.Struct("<4sII")
MOST_BYTES = 256 * 1024 * 1024
"""Of one record; a greater length is a broken one."""


def framed(record: bytes) -> bytes:
    """Return a record with its mark, length and checksum.

    Examples
    --------
    >>> [(found.start, found.record) for found in whole(framed(b"one") + framed(b"two"))]
    [(0, b'one'), (15, b'two')]
    """
    return HEAD.pack(MARK, len(record), crc32(record)) + record


class Found(NamedTuple):
    """A record that is whole, and where it lies."""

    start: int
    end: int
    record: bytes


def whole(content: bytes, start: int = 0) -> Iterator[Found]:
    """Return the records from a position on, up to the first one that is not whole."""
    while (found := at(content, start)) is not None:
        yield found
        start = found.end


def at(content: bytes, start: int) -> Found | None:
    """Return the record at a position; None if it is not whole."""
    if start + HEAD.size > len(content):
        return None
    mark, length, checksum = HEAD.unpack_from(content, start)
    end = start + HEAD.size + length
    if mark != MARK or length > MOST_BYTES or end > len(content):
        return None
    record = content[start + HEAD.size : end]
    return Found(start, end, record) if crc32(record) == checksum else None


def missing(content: bytes, start: int) -> int:
    """Return how many bytes the record at a position has beyond the content's end; 0 if that is not it."""
    rest = len(content) - start
    if rest < HEAD.size:
        return HEAD.size - rest if MARK.startswith(bytes(content[start : start + 4])[:rest]) else 0
    head: tuple[bytes, int, int] = HEAD.unpack_from(content, start)
    mark, length, _ = head
    if mark != MARK or length > MOST_BYTES:
        return 0
    return max(0, HEAD.size + length - rest)


def next_whole(content: bytes, start: int) -> int | None:
    """Return where the next whole record begins behind a position; None if there is none."""
    while (start := content.find(MARK, start + 1)) >= 0:
        if at(content, start) is not None:
            return start
    return None
