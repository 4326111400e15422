"""Connections that hold a place and send nothing: uvicorn waits for a head for ever.

One pass a second over all connections, not a timer for each request: that would cost every one of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.in_time import too_slow

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


class HeadDeadline(HttpToolsProtocol):
    """A connection that knows since when it waits for a head.

    ``waiting_since`` is the loop's time at which the connection, or the first byte of its next request, came;
    None while there is a whole head or nothing to wait for. A body's time is the application's business.
    """

    waiting_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self.waiting_since = self.loop.time()

    def on_message_begin(self) -> None:
        """Wait for the rest of a head."""
        self.waiting_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait no more."""
        self.waiting_since = None
        super().on_headers_complete()

    def drop(self, seconds: float) -> None:
        """Answer 408 and close."""
        self.waiting_since = None
        if not self.transport.is_closing():
            self.transport.write(_answer(seconds))
            self.transport.close()


async def drop_slow(connections: Collection[Any], seconds: float) -> None:
    """Drop, once a second and until cancelled, what has waited for a head for longer than that.

    Parameters
    ----------
    connections : collection
        Of the server (``Server.server_state.connections``); those that are no :class:`HeadDeadline` are left.
    seconds : float
    """
    loop = asyncio.get_running_loop()
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, seconds / 2))
            before = loop.time() - seconds
            slow = [one for one in connections if (getattr(one, "waiting_since", None) or before) < before]
            for connection in slow:
                connection.drop(seconds)
            if slow:
                logger.warning("slow_connections_dropped connections=%d", len(slow))


def _answer(seconds: float) -> bytes:
    problem = too_slow(seconds, "head")
    body = bytes(problem.response().body)
    head = (
        "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
