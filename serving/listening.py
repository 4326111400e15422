"""Takes in all connections that wait, in every turn of the loop.

libuv, below uvloop, accepts one connection a turn. Under load a turn is long: of a thousand clients that come
at once the last would be heard after seconds, while the first are answered again and again.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import uvicorn

logger = logging.getLogger(__name__)

_AT_ONCE = 1024
_PAUSE_SECONDS = 1.0


class Listening(uvicorn.Server):
    """uvicorn's server, but for how connections are accepted."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._sockets: list[socket.socket] = []
        self._connecting: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen on sockets that are bound."""
        await super().startup(sockets=[])
        self._sockets = list(sockets or [])
        for listener in self._sockets:
            listener.listen(self.config.backlog)
            listener.setblocking(False)
            self._watch(listener)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody any more, then end as uvicorn does."""
        for listener in self._sockets:
            asyncio.get_running_loop().remove_reader(listener)
            self._accept(listener)  # whoever was connected before this moment is answered
        if self._connecting:
            await asyncio.wait(self._connecting)
        self._sockets.clear()
        await super().shutdown(sockets=sockets)

    def _watch(self, listener: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_AT_ONCE):
            try:
                accepted, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no file descriptor is left: it would fail again at once
                logger.error("accept_failed error=%s", error.strerror)
                loop.remove_reader(listener)
                loop.call_later(_PAUSE_SECONDS, self._watch_again, listener)
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, accepted))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _watch_again(self, listener: socket.socket) -> None:
        if listener in self._sockets:
            self._watch(listener)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made
