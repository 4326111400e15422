"""Traces, received by a collector that reads what OpenTelemetry really sends."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from estate.core.errors import SettingsError
from estate.core.settings import Settings
from serving.tracing import check_tracing, is_tracing, span
from tests.serving.shop import ROW, Served, Shop

ROOT = Path(__file__).parents[2]
MARKER = "marker-of-a-value"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Collector:
    """A collector of traces on a free port."""

    received: list[bytes] = field(default_factory=list)
    url: str = ""

    def spans(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for body in self.received:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for one in scope.spans:
                        found.setdefault(one.name, []).append(one)
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.received.append(
                gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tracing(shop: Shop, url: str, **changed: object) -> None:
    shop.settings = shop.settings.model_copy(update={"tracing_url": url, **changed})


def attributes(one: Span) -> dict[str, object]:
    return {
        pair.key: pair.value.string_value or pair.value.int_value or pair.value.double_value
        for pair in one.attributes
    }


def ask(served: Served, **headers: str) -> int:
    row = {**ROW, "area": MARKER, "case_id": MARKER}
    body = {"rows": [row] * 400}
    return served.client.post("/v1/models/sale/predict", json=body, headers=headers).status_code


def test_a_collector_sees_who_answered_and_no_value(shop: Shop, collector: Collector) -> None:
    tracing(shop, collector.url)
    with shop.serve() as served:
        assert ask(served, **{"x-request-id": "mine"}) == 200
        assert served.client.get(f"/nowhere/{MARKER}").status_code == 404
    spans = collector.spans()
    request = next(one for one in spans["leadloop.request"] if attributes(one)["http.route"] == "predict")
    assert attributes(request) == {
        "leadloop.request_id": "mine", "http.request.method": "POST", "http.response.status_code": 200,
        "http.route": "predict", "leadloop.model": "sale", "leadloop.version": "rules",
        "leadloop.source": "rules", "leadloop.predictions": 400,
    }  # fmt: skip
    (predict,) = spans["leadloop.predict"]
    (features,) = spans["leadloop.features"]
    assert predict.parent_span_id == request.span_id
    assert features.parent_span_id in {predict.span_id, request.span_id}
    assert features.trace_id == predict.trace_id == request.trace_id
    assert not any(MARKER.encode() in body for body in collector.received)


def test_a_callers_trace_goes_on(shop: Shop, collector: Collector) -> None:
    tracing(shop, collector.url)
    with shop.serve() as served:
        ask(served, traceparent=PARENT)
    (request,) = collector.spans()["leadloop.request"]
    assert request.trace_id.hex() == PARENT[3:35]
    assert request.parent_span_id.hex() == PARENT[36:52]


def test_a_share_of_0_sends_only_what_a_caller_samples(shop: Shop, collector: Collector) -> None:
    tracing(shop, collector.url, tracing_share=0.0)
    with shop.serve() as served:
        ask(served)
        ask(served, traceparent=PARENT)
    assert len(collector.spans()["leadloop.request"]) == 1


@pytest.mark.thorough
def test_a_collector_that_is_away_costs_no_answer(shop: Shop) -> None:
    tracing(shop, "http://127.0.0.1:9")
    with shop.serve() as served:
        assert [ask(served) for _ in range(3)] == [200] * 3
    assert not is_tracing()


def test_without_the_setting_nothing_of_it_is_imported_and_spans_are_nothing() -> None:
    code = "import sys, serving.server; print([name for name in sys.modules if 'opentelemetry' in name])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    assert not is_tracing()
    assert span("predict", model="sale") is span("features")


@pytest.mark.parametrize("url", ["collector:4318", "ftp://collector", "http://", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="LEADLOOP_TRACING_URL: expected http://HOST:PORT"):
        check_tracing(Settings(_env_file=None, tracing_url=url))


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.tracing._EXTRA", ("not_there.at_all",))
    with pytest.raises(SettingsError, match=r"pip install leadloop\[tracing\]"):
        check_tracing(Settings(_env_file=None, tracing_url="http://collector:4318"))
