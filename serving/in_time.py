"""A request whose body does not come, or that takes too long, is ended with an answer that says so."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from estate.core.errors import DataError, LeadloopError
from serving.limits import BODY_BYTES_PER_SECOND, Limits
from serving.problems import Problem


class InTime:
    """An ASGI application around another one.

    Parameters
    ----------
    app : ASGIApp
        Answers a :class:`Problem` that its ``receive`` raises.
    limits : Limits
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; 408 if its body is too slow, 504 if its answer is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._limits.seconds) as answer:
                request = _Arriving(receive, send, self._limits, answer)
                await self._app(scope, request.receive, request.send)
        except TimeoutError:
            if not answer.expired():
                raise
            await _too_long(self._limits).response()(scope, receive, send)


class _Arriving:
    """One request, each piece of whose body puts off the time at which the answer is due.

    An answer that has begun may go on for as long as it likes. A body may come while it does; only the time
    in which somebody waits for the body counts.
    """

    def __init__(self, receive: Receive, send: Send, limits: Limits, answer: asyncio.Timeout) -> None:
        self._receive, self._send, self._limits, self._answer = receive, send, limits, answer
        self._left = limits.arrival_seconds
        self._complete = self._begun = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        self._answer.reschedule(None)
        since = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(since + self._left):
                message = await self._receive()
        except TimeoutError as error:
            raise too_slow(self._limits.arrival_seconds, "body") from error
        now = asyncio.get_running_loop().time()
        self._left += len(message.get("body", b"")) / BODY_BYTES_PER_SECOND - (now - since)
        self._complete = not message.get("more_body", False)
        if not self._begun:
            self._answer.reschedule(now + self._limits.seconds)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            self._answer.reschedule(None)
        await self._send(message)


def too_slow(seconds: float, what: str) -> Problem:
    """Return the problem for a request that does not arrive."""
    error = DataError(what, expected=f"all of it within {seconds:g} s", got="a part", todo="Send it again.")
    return Problem(408, error, {"connection": "close"})


def _too_long(limits: Limits) -> Problem:
    error = LeadloopError(
        "answer",
        expected=f"one within {limits.seconds:g} s",
        got="none",
        todo="Send fewer rows, or try again soon.",
    )
    return Problem(504, error)
