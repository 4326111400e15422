"""An Arrow stream as it arrives, message by message; each is measured before Arrow sees it.

A message says how long it is, and how long it will be when it is unpacked: so nothing that a stranger sends
makes this process take more memory than one batch may.

References
----------
https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum

from estate.core.errors import DataError
from serving.problems import Problem
from serving.protocols.flat import Flat

MOST_HEAD_BYTES = 4 << 20
MOST_BATCH_ROWS = 1_000_000
_CONTINUES = b"\xff\xff\xff\xff"
_SIZE, _LONG = struct.Struct("<i"), struct.Struct("<q")
_AS_IT_IS = -1
_CODECS = (0, 1)  # LZ4 frames, ZSTD


class Kind(IntEnum):
    """What a message is, by Arrow's number for it."""

    SCHEMA = 1
    DICTIONARY = 2
    BATCH = 3


@dataclass(frozen=True)
class Message:
    """One message.

    Parameters
    ----------
    kind : Kind
    content : bytes
        As it came.
    rows : int
        Of a batch.
    """

    kind: Kind
    content: bytes
    rows: int = 0


class Arriving:
    """Bytes that arrive in pieces of any size, read in pieces of given ones.

    Parameters
    ----------
    parts : async iterator of bytes
    """

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts, self._here = parts, bytearray()

    async def exactly(self, count: int) -> bytes:
        """Return so many bytes; fewer only at the end."""
        while len(self._here) < count:
            part = await anext(self._parts, None)
            if part is None:
                break
            self._here += part
        made = bytes(self._here[:count])
        del self._here[:count]
        return made


async def messages(parts: AsyncIterator[bytes], most_bytes: int) -> AsyncIterator[Message]:
    """Yield the messages of a stream up to its end.

    Parameters
    ----------
    parts : async iterator of bytes
    most_bytes : int
        Of one message, unpacked; of all that is added to dictionaries, too.

    Raises
    ------
    Problem
        400 if it is no Arrow stream or breaks off, 413 if a message is too large, 422 if it is of
        another kind.
    """
    arriving, added = Arriving(parts), 0
    while True:
        head = await _head(arriving)
        if head is None:
            return
        try:
            message = Flat.root(head)
            number, body_bytes, header = message.short(1), message.long(3), message.table(2)
        except ValueError as error:
            raise _broken(str(error)) from error
        if header is None or number not in list(Kind):
            raise _unfit("schema, dictionaries and record batches", f"a message of kind {number}")
        _check_bytes(body_bytes, most_bytes)
        body = await arriving.exactly(body_bytes)
        if len(body) < body_bytes:
            raise _broken("its end in the middle of a batch")
        kind = Kind(number)
        try:
            rows, unpacked = _measure(kind, header, body)
        except ValueError as error:
            raise _broken(str(error)) from error
        added += unpacked if kind is Kind.DICTIONARY else 0
        _check_bytes(max(unpacked, added), most_bytes)
        if not 0 <= rows <= MOST_BATCH_ROWS:
            got = f"{rows:,}"
            raise Problem(413, DataError("batch, rows", expected=f"at most {MOST_BATCH_ROWS:,}", got=got))
        yield Message(kind, _CONTINUES + _SIZE.pack(len(head)) + head + body, rows)


async def _head(arriving: Arriving) -> bytes | None:
    """Return the description of the next message; None at the end."""
    start = await arriving.exactly(8)
    if len(start) < 8 or start[:4] != _CONTINUES:
        raise _broken("its end without the mark of one" if len(start) < 8 else "something else")
    size = _SIZE.unpack_from(start, 4)[0]
    if size == 0:
        return None
    if not 0 < size <= MOST_HEAD_BYTES:
        raise _broken(f"a message whose description has {size} bytes")
    head = await arriving.exactly(size)
    if len(head) < size:
        raise _broken("its end in the middle of a message")
    return head


def _measure(kind: Kind, header: Flat, body: bytes) -> tuple[int, int]:
    """Return the rows of a message, and its bytes when it is unpacked."""
    if kind is Kind.SCHEMA:
        return 0, len(body)
    batch: Flat | None = header if kind is Kind.BATCH else header.table(1)
    if batch is None:
        raise ValueError("a dictionary without values")
    compression = batch.table(3)
    if compression is None:
        return batch.long(0), len(body)
    if compression.short(0) not in _CODECS:
        raise ValueError(f"a codec that is not known, {compression.short(0)}")
    return batch.long(0), sum(_unpacked(body, offset, length) for offset, length in batch.pairs(2))


def _unpacked(body: bytes, offset: int, length: int) -> int:
    if length == 0:
        return 0
    if not 0 <= offset <= len(body) - _LONG.size or length < _LONG.size:
        raise ValueError("a place outside of the message")
    said: int = _LONG.unpack_from(body, offset)[0]
    if said < _AS_IT_IS:
        raise ValueError("a negative length")
    return length if said == _AS_IT_IS else said


def _check_bytes(count: int, most: int) -> None:
    if count < 0:
        raise _broken("a negative length")
    if count > most:
        todo = "Write smaller batches."
        raise Problem(413, DataError("batch", expected=f"at most {most} bytes", got=str(count), todo=todo))


def _broken(got: str) -> Problem:
    return Problem(400, DataError("body", expected="an Arrow stream", got=got))


def _unfit(expected: str, got: str) -> Problem:
    return Problem(422, DataError("body", expected=expected, got=got))
