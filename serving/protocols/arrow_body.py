"""The batches of an Arrow stream, of the columns that are needed, as they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import ipc
from starlette.concurrency import run_in_threadpool

from estate.core.errors import DataError
from serving.problems import Problem
from serving.protocols.arrow_messages import Kind, messages
from serving.protocols.columns import Columns


class _Feed:
    """A file of whole messages: Arrow never waits for more of one."""

    closed = False

    def __init__(self) -> None:
        self._here = bytearray()

    def add(self, content: bytes) -> None:
        self._here += content

    def read(self, count: int = -1) -> bytes:
        made = bytes(self._here) if count < 0 else bytes(self._here[:count])
        del self._here[: len(made)]
        return made

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


async def arrow_batches(parts: AsyncIterator[bytes], columns: Columns, most_bytes: int) -> AsyncIterator[Any]:
    """Yield record batches, checked to the last value.

    Raises
    ------
    Problem
        400 if it is no Arrow stream or breaks off, 413 if a batch is too large.
    DataError
        If columns are absent or of a wrong type.
    """
    feed, reader = _Feed(), None
    async for message in messages(parts, most_bytes):
        if reader is None and message.kind is not Kind.SCHEMA:
            raise _broken("no schema at its start")
        if reader is not None and message.kind is Kind.SCHEMA:
            raise _broken("a second schema")
        feed.add(message.content)
        try:
            if reader is None:
                reader = await run_in_threadpool(_open, feed, message.content, columns)
            elif message.kind is Kind.BATCH:
                yield await run_in_threadpool(_next, reader)
        except (pa.ArrowException, OSError, ValueError, LookupError, MemoryError) as error:
            raise _broken(str(error)[:200]) from error
    if reader is None:
        raise _broken("no schema")


def _open(feed: _Feed, schema: bytes, columns: Columns) -> Any:
    places = _places(ipc.read_schema(pa.py_buffer(schema)), columns)
    options = ipc.IpcReadOptions(included_fields=places, use_threads=False)
    return ipc.open_stream(pa.PythonFile(feed, "r"), options=options)


def _places(schema: Any, columns: Columns) -> Sequence[int]:
    columns.check(schema)
    return [index for index, name in enumerate(schema.names) if name in columns.wanted]


def _next(reader: Any) -> Any:
    batch = reader.read_next_batch()
    batch.validate(full=True)
    return batch


def _broken(got: str) -> Problem:
    return Problem(400, DataError("body", expected="an Arrow stream", got=got))
