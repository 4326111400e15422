"""The outermost layer: counts every answer, and turns what nobody expected into a problem document."""

from __future__ import annotations

import logging
import traceback
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics
from serving.problems import internal_problem

logger = logging.getLogger(__name__)

ORIGIN = "leadloop.origin"
"""Key of the scope under which an endpoint leaves (model, version, source) of what it answered."""


class Observed:
    """An ASGI application around another one.

    Parameters
    ----------
    app : ASGIApp
    metrics : Metrics
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = 0, perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        except ClientDisconnect:
            status = 499
        except Exception as error:  # the caller gets a document, the log the place, neither the values
            logger.error("request_failed error=%s at=%s", type(error).__name__, _place(error))
            if status:
                raise
            await internal_problem().response()(scope, receive, note)
        finally:
            self._count(scope, status, perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        origin: tuple[str, str, str] | None = scope.get(ORIGIN)
        endpoint: Any = scope.get("endpoint")
        route = getattr(endpoint, "__name__", "none")
        self._metrics.requests.labels(route, origin[0] if origin else "", str(status)).inc()
        if origin is not None:
            self._metrics.request_seconds.labels(*origin).observe(seconds)


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"
