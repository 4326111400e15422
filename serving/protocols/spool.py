"""Answers on their way: written as they are made, read as fast as the caller takes them.

Most HTTP clients read nothing before they have sent all. If answers waited for such a client in the sockets'
buffers, its request would not be read on, and both would wait for ever. So they wait here: in memory while
they are few, else in a file that has no name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile

from estate.core.errors import LeadloopError

_MEMORY_BYTES = 1 << 20
_PART_BYTES = 1 << 18
_STALL_SECONDS = 60.0


class Spool:
    """Bytes between one writer and one reader, in one event loop.

    Parameters
    ----------
    most_bytes : int
        That may wait; the writer waits for room then, but not for ever.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        # The parts are small and go to the system's cache: handing them to a thread would cost more.
        self._file = SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115 - closed by its reader
        self._written = self._taken = 0
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, part: bytes) -> None:
        """Add a part.

        Raises
        ------
        LeadloopError
            If there is no room, and nobody makes any.
        """
        try:
            async with asyncio.timeout(_STALL_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._written - self._taken < self._most)
        except TimeoutError as error:
            what = f"at most {self._most} bytes of answers that wait"
            raise LeadloopError("answers", expected="somebody who takes them", got=what) from error
        async with self._changed:
            if self._taken == self._written:
                self._file.seek(0)
                self._file.truncate()
                self._written = self._taken = 0
            self._file.seek(self._written)
            self._file.write(part)
            self._written += len(part)
            self._changed.notify_all()

    async def end(self) -> None:
        """Say that nothing more comes."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield what was put, until the end."""
        try:
            while True:
                async with self._changed:
                    await self._changed.wait_for(lambda: self._ended or self._taken < self._written)
                    if self._taken == self._written:
                        return
                    self._file.seek(self._taken)
                    part = self._file.read(_PART_BYTES)
                    self._taken += len(part)
                    self._changed.notify_all()
                yield part
        finally:
            self._file.close()
