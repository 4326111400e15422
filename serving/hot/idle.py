"""Connections that were answered and say nothing more: closed after a while, by one pass over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_LOOK_SECONDS = 5.0


async def close_idle(connections: Collection[Any], seconds: float) -> None:
    """Close, until cancelled, what was answered the short way and has been silent for so long since.

    Those that the application answered last are closed by uvicorn itself.

    Parameters
    ----------
    connections : collection
        Of the server; those without ``idle_since`` are left.
    seconds : float
    """
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(min(_LOOK_SECONDS, seconds / 2))
        before = loop.time() - seconds
        for connection in list(connections):
            since = getattr(connection, "idle_since", None)
            if since is not None and since < before:
                connection.transport.close()
