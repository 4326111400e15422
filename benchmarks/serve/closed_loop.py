"""``python -m benchmarks.serve.closed_loop URL BODIES CONNECTIONS SECONDS [IDS]``: clients of our own.

Unlike `wrk` it ends no request in the middle, and can write down the id of every prediction that was
answered, so that each can be looked for in the log. It speaks just enough HTTP for servers that send a
content-length.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import numpy as np

_ID = re.compile(rb'"id":\s*"([0-9a-f-]{36})"')
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_GOOD = b" 200 "


class _Asked:
    """What all clients share."""

    def __init__(self, requests: list[bytes], until: float) -> None:
        self.requests, self.until = requests, until
        self.at = self.sent = self.bad = self.broken = self.open = 0
        self.latencies: list[float] = []
        self.ids: list[bytes] = []
        self.over = asyncio.Event()


class _Client(asyncio.Protocol):
    def __init__(self, asked: _Asked) -> None:
        self._asked, self._data, self._sent = asked, b"", 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._data[:end]
        length = _LENGTH.search(head)
        if len(self._data) < end + 4 + int(length[1] if length else 0):
            return
        asked = self._asked
        asked.latencies.append(time.perf_counter() - self._sent)
        if _GOOD in head[:16]:
            asked.ids += _ID.findall(self._data, end)
        else:
            asked.bad += 1
        self._data = b""
        self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        asked = self._asked
        asked.broken += time.perf_counter() < asked.until
        asked.open -= 1
        if not asked.open:
            asked.over.set()

    def _ask(self) -> None:
        asked = self._asked
        assert self._transport is not None
        self._sent = time.perf_counter()
        if self._sent >= asked.until:
            self._transport.close()
            return
        asked.sent += 1
        asked.at = (asked.at + 1) % len(asked.requests)
        self._transport.write(asked.requests[asked.at])


async def _press(url: str, bodies: Path, connections: int, seconds: float) -> _Asked:
    parts = urlsplit(url)
    began = time.perf_counter()
    asked = _Asked(
        [_request(parts.path, parts.netloc, body) for body in bodies.read_bytes().splitlines()],
        began + seconds,
    )
    asked.open = connections
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: _Client(asked), parts.hostname or "", parts.port or 80)
    await asyncio.wait_for(asked.over.wait(), seconds + 60)
    return asked


def _request(path: str, host: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    """Ask, and print one JSON line as the script for `wrk` does."""
    import uvloop

    url, bodies, connections, seconds, *ids = sys.argv[1:]
    began = time.perf_counter()
    asked = uvloop.run(_press(url, Path(bodies), int(connections), float(seconds)))
    took = time.perf_counter() - began
    p50, p95, p99 = (1000 * np.quantile(asked.latencies or [0.0], [0.5, 0.95, 0.99])).tolist()
    if ids:
        Path(ids[0]).write_bytes(b"\n".join(asked.ids))
    answered = len(asked.latencies)
    counts = {"requests": answered, "sent": asked.sent, "seconds": took}
    counts |= {"status": asked.bad, "socket": asked.broken}
    sys.stdout.write(json.dumps({**counts, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}) + "\n")


if __name__ == "__main__":
    main()
