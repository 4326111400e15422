"""Errors of the Open Inference Protocol: its own ``error`` beside the fields of the problem document.

Whoever made the document (a route, the guard, the time limit), a client of the protocol finds the sentence
where it looks for it.
"""

from __future__ import annotations

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.schema import ProblemDocument


class OpenInferenceProblem(ProblemDocument, frozen=True, omit_defaults=True, kw_only=True):
    """A problem document with the sentence once more, where the Open Inference Protocol has it."""

    error: str


_PROBLEM = (b"content-type", b"application/problem+json")


class OpenInferenceErrors:
    """An ASGI application around another one.

    Parameters
    ----------
    app : ASGIApp
        Sends a problem document in one piece.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and (scope["path"] == "/v2" or scope["path"].startswith("/v2/")):
            send = _Errors(send).send
        await self._app(scope, receive, send)


class _Errors:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _PROBLEM in message["headers"]:
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            problem = msgspec.json.decode(message["body"])
            body = msgspec.json.encode({"error": problem["detail"], **problem})
            headers = [header for header in start["headers"] if header[0] != b"content-length"]
            length = (b"content-length", str(len(body)).encode())
            await self._send({**start, "headers": [*headers, length]})
            message = {**message, "body": body}
        await self._send(message)
