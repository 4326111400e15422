"""Traces for OpenTelemetry, where the settings name a collector; nothing of it is imported where they don't.

Spans carry names of models, versions and counts, never what a row holds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from estate.core.errors import SettingsError
from estate.core.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

Result = TypeVar("Result")

_NOTHING: AbstractContextManager[None] = nullcontext()
_EXTRA = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_CLOSE_MILLISECONDS = 3_000


@dataclass
class _On:
    provider: TracerProvider
    tracer: Tracer


_on: _On | None = None  # of the process: spans are opened far below where settings are known


def span(name: str, **attributes: str | int | float) -> AbstractContextManager[Span | None]:
    """Time what is done inside as a part of the request's trace; about 0.1 µs where none is sent.

    Parameters
    ----------
    name : str
    **attributes
        ``model`` becomes ``leadloop.model``, and so on.
    """
    if _on is None:
        return _NOTHING
    named: dict[str, Any] = {f"leadloop.{key}": value for key, value in attributes.items()}
    return _on.tracer.start_as_current_span(f"leadloop.{name}", attributes=named)


def traced(name: str, work: Callable[[], Result], **attributes: str | int | float) -> Callable[[], Result]:
    """Return work that is timed as a part of the present request's trace, whatever thread does it."""
    if _on is None:
        return work
    context = copy_context()

    def timed() -> Result:
        with span(name, **attributes):
            return work()

    return lambda: context.copy().run(timed)


def is_tracing() -> bool:
    """Say whether traces are sent."""
    return _on is not None


def check_tracing(settings: Settings) -> None:
    """Refuse an address of a collector that can't be used.

    Raises
    ------
    SettingsError
        If it is none, or if the packages are not installed.
    """
    if settings.tracing_url is None:
        return
    address = urlsplit(settings.tracing_url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        expected = "http://HOST:PORT/v1/traces"
        raise SettingsError("setting LEADLOOP_TRACING_URL", expected=expected, got="another address")
    if not all(_is_there(name) for name in _EXTRA):
        raise SettingsError(
            "setting LEADLOOP_TRACING_URL",
            expected="the packages of OpenTelemetry",
            got="none",
            todo="Run `pip install leadloop[tracing]`.",
        )


def start_tracing(settings: Settings) -> None:
    """Send traces from now on, if the settings name a collector."""
    global _on  # noqa: PLW0603
    if settings.tracing_url is None or _on is not None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        resource=Resource.create({"service.name": "leadloop-serving"}),
        sampler=ParentBased(TraceIdRatioBased(settings.tracing_share)),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=_traces(settings.tracing_url))))
    _on = _On(provider, provider.get_tracer("leadloop.serving"))


def stop_tracing() -> None:
    """Send what waits, for at most three seconds, and no more from then on."""
    global _on
    if _on is not None:
        provider, _on = _on.provider, None
        provider.force_flush(_CLOSE_MILLISECONDS)
        provider.shutdown()


def request_span(headers: dict[str, str], request_id: str) -> AbstractContextManager[Span | None]:
    """Return the span of a whole request, a part of the caller's trace if it sent ``traceparent``."""
    if _on is None:
        return _NOTHING
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return _on.tracer.start_as_current_span(
        "leadloop.request",
        context=TraceContextTextMapPropagator().extract(headers),
        kind=SpanKind.SERVER,
        attributes={"leadloop.request_id": request_id},
        record_exception=False,  # its text may quote a row
        set_status_on_exception=False,
    )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _traces(url: str) -> str:
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/v1/traces"
