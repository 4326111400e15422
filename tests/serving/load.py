"""Load on many connections at once, closed or open loop, with what became of each request."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from tests.serving.hot.wire import request
from tests.serving.shop import ROW, wait_for


@dataclass
class Reply:
    """What became of one request."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Reply:
    """Send a request and read its answer."""
    began = perf_counter()
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Reply(int(first.split()[1]), headers, body, perf_counter() - began)


@dataclass
class Load:
    """Connections that ask, each as soon as it is answered, from a thread; a broken one is an error."""

    url: str
    connections: int = 64
    sent: bytes = request(ROW, model="sale")
    replies: list[Reply] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Load:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def more(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = len(self.replies) + count
        wait_for(lambda: len(self.replies) >= wanted or bool(self.errors), seconds=60)

    async def _run(self) -> None:
        await asyncio.gather(*[self._ask() for _ in range(self.connections)])

    async def _ask(self) -> None:
        try:
            reader, writer = await connect(self.url)
            while not self._done.is_set():
                self.replies.append(await exchange(reader, writer, self.sent))
            writer.close()
            await writer.wait_closed()
        except (OSError, EOFError) as error:
            self.errors.append(repr(error))


async def closed_loop(url: str, sent: bytes, *, connections: int, seconds: float) -> list[Reply]:
    """Ask on so many connections, each as soon as it is answered."""
    end = perf_counter() + seconds
    replies: list[Reply] = []

    async def ask() -> None:
        reader, writer = await connect(url)
        while perf_counter() < end:
            replies.append(await exchange(reader, writer, sent))
        writer.close()

    await asyncio.gather(*[ask() for _ in range(connections)])
    return replies


async def open_loop(
    url: str, sent: bytes, *, rate: float, seconds: float, now: Callable[[], float] = perf_counter
) -> list[Reply]:
    """Ask at a rate, whatever becomes of the answers, on as many connections as that takes."""
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    replies: list[Reply] = []

    async def ask() -> None:
        ends = free.pop() if free else await connect(url)
        replies.append(await exchange(*ends, sent))
        free.append(ends)

    began = now()
    asked: list[asyncio.Task[None]] = []
    while (passed := now() - began) < seconds:
        asked += [asyncio.create_task(ask()) for _ in range(int(passed * rate) - len(asked))]
        await asyncio.sleep(0.002)
    await asyncio.gather(*asked)
    for _, writer in free:
        writer.close()
    return replies
