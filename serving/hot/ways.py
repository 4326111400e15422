"""All models' short ways, by the path of their route."""

from __future__ import annotations

import asyncio

from serving.hot.reply import Reply
from serving.hot.way import Way
from serving.process import Process

_START, _END = b"/v1/models/", b"/predict"


class Ways:
    """Finds the short way of a request.

    Parameters
    ----------
    process : Process
    loop : AbstractEventLoop
        Its thread is the only one that comes here.
    """

    def __init__(self, process: Process, loop: asyncio.AbstractEventLoop) -> None:
        self.process = process
        self._loop = loop
        self._reply = Reply(process.metrics, process.versions_of)
        self._by_url: dict[bytes, Way] = {}

    def find(self, url: bytes) -> Way | None:
        """Return the way of an address; None for any other route, and for a model that is not known yet."""
        return self._by_url.get(url) or self._made(url)

    def _made(self, url: bytes) -> Way | None:
        if not (url.startswith(_START) and url.endswith(_END)):
            return None
        try:
            name = url[len(_START) : -len(_END)].decode("ascii")
        except UnicodeDecodeError:
            return None
        if self.process.models.known(name) is None:
            return None
        made = Way(name, self.process, self._reply, self._loop)
        self._by_url[url] = made
        return made
