"""The outermost layer: counts and names every answer; what nobody expected becomes a problem document."""

from __future__ import annotations

import logging
import traceback
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from estate.core.logs import REQUEST_ID
from serving.guard.guarded import key_name
from serving.metrics import Metrics
from serving.problems import internal_problem
from serving.request_id import HEADER, request_id_of
from serving.request_log import AnsweredRequest, RequestLog
from serving.tracing import is_tracing, request_span

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from prometheus_client import Counter, Histogram

logger = logging.getLogger(__name__)

ORIGIN = "leadloop.origin"
"""Key of the scope under which an endpoint leaves (model, version, source) of what it answered."""
ANSWERS = "leadloop.answers"
"""Key of the scope under which it leaves how many predictions that were, and the id of the first."""


class Observed:
    """An ASGI application around another one.

    Parameters
    ----------
    app : ASGIApp
    metrics : Metrics
    request_log : RequestLog
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, request_log: RequestLog) -> None:
        self._app, self._metrics, self._log = app, metrics, request_log
        # Finding a series costs several times what counting does.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._timers: dict[tuple[str, str, str], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request = request_id_of(headers.get(HEADER))
        REQUEST_ID.set(request)  # ends with the request's task
        if not is_tracing():
            await self._pass(scope, receive, send, request)
            return
        with request_span(
            {k.decode("latin-1"): v.decode("latin-1") for k, v in headers.items()}, request
        ) as made:
            status = await self._pass(scope, receive, send, request)
            if made is not None:
                _describe(made, scope, status)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, request: str) -> int:
        status, started = 0, perf_counter()
        named = (HEADER, request.encode())

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), named]}
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
            self._tell(scope, status, perf_counter() - started, request)
        return status

    def _tell(self, scope: Scope, status: int, seconds: float, request: str) -> None:
        origin: tuple[str, str, str] | None = scope.get(ORIGIN)
        self._count(_route(scope), origin, status, seconds)
        if self._log.wants(status, seconds):
            model, version, source = origin or ("", "", "")
            count, first = scope.get(ANSWERS, (0, ""))
            self._log.note(
                AnsweredRequest(
                    request,
                    _route(scope),
                    status,
                    seconds,
                    model,
                    version,
                    source,
                    key_name(scope),
                    count,
                    first,
                )
            )

    def _count(self, route: str, origin: tuple[str, str, str] | None, status: int, seconds: float) -> None:
        counted = (route, origin[0] if origin else "", status)
        if (counter := self._counters.get(counted)) is None:
            counter = self._metrics.requests.labels(route, counted[1], str(status))
            self._counters[counted] = counter
        counter.inc()
        if origin is not None:
            if (timer := self._timers.get(origin)) is None:
                timer = self._timers[origin] = self._metrics.request_seconds.labels(*origin)
            timer.observe(seconds)


def _route(scope: Scope) -> str:
    endpoint: Any = scope.get("endpoint")
    return str(getattr(endpoint, "__name__", "none"))


def _describe(span: Span, scope: Scope, status: int) -> None:
    """Say of a span what metrics say too, but for the path: it may name a lead."""
    span.set_attribute("http.request.method", scope["method"])
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("http.route", _route(scope))
    origin: tuple[str, str, str] | None = scope.get(ORIGIN)
    for name, value in zip(("model", "version", "source"), origin or (), strict=False):
        span.set_attribute(f"leadloop.{name}", value)
    span.set_attribute("leadloop.predictions", scope.get(ANSWERS, (0, ""))[0])


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"
