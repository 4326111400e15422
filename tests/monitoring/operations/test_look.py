"""A look at serving finds what is slow, wrong or gone in what serving counted since the look before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from estate.core.settings import Settings
from estate.store.database import Database
from monitoring.operations import Operations, look_at_operations

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Serving(HTTPServer):
    """Says the numbers that a test gives it, as serving's /metrics do."""

    answered = failed = shed = slow = 0
    behind = 0.0

    @property
    def text(self) -> str:
        all_of_it, quick = self.answered + self.failed, self.answered + self.failed - self.slow
        route = 'route="/v1/models/{model}/predict",model="churn"'
        return f"""# TYPE leadloop_requests_total counter
leadloop_requests_total{{{route},status="200"}} {self.answered}
leadloop_requests_total{{{route},status="500"}} {self.failed}
# TYPE leadloop_requests_shed_total counter
leadloop_requests_shed_total{{model="churn"}} {self.shed}
# TYPE leadloop_request_seconds histogram
leadloop_request_seconds_bucket{{model="churn",le="0.05"}} {quick}
leadloop_request_seconds_bucket{{model="churn",le="0.25"}} {quick}
leadloop_request_seconds_bucket{{model="churn",le="2.5"}} {all_of_it}
leadloop_request_seconds_bucket{{model="churn",le="+Inf"}} {all_of_it}
leadloop_request_seconds_count{{model="churn"}} {all_of_it}
leadloop_request_seconds_sum{{model="churn"}} 1
# TYPE leadloop_prediction_log_behind_seconds gauge
leadloop_prediction_log_behind_seconds {self.behind}
"""


class _Answer(BaseHTTPRequestHandler):
    server: Serving

    def do_GET(self) -> None:
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def serving() -> Iterator[Serving]:
    server = Serving(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(serving: Serving) -> Settings:
    return Settings(serving_url=f"http://127.0.0.1:{serving.server_address[1]}")


def _look(settings: Settings, database: Database, hours: float) -> Operations:
    return look_at_operations(settings, database, "churn", now=NOON + timedelta(hours=hours))


def _codes(seen: Operations) -> set[str]:
    return {finding.code for finding in seen.findings}


def test_a_healthy_server_gives_no_finding(serving: Serving, settings: Settings, database: Database) -> None:
    _look(settings, database, 0)
    serving.answered += 10_000
    seen = _look(settings, database, 1)
    assert seen.findings == ()
    assert {"MON411", "MON412", "MON417"} <= seen.judged


@pytest.mark.parametrize(("what", "code"), [("slow", "MON411"), ("failed", "MON412"), ("shed", "MON415")])
def test_what_went_wrong_since_the_last_look_is_found_and_not_what_was_before(
    serving: Serving, settings: Settings, database: Database, what: str, code: str
) -> None:
    serving.answered = 10_000
    setattr(serving, what, 2_000)
    _look(settings, database, 0)  # the first look has nothing to compare with
    serving.answered += 10_000
    assert code not in _codes(_look(settings, database, 1))
    serving.answered += 10_000
    setattr(serving, what, getattr(serving, what) + 2_000)
    assert code in _codes(_look(settings, database, 2))


def test_a_few_bad_requests_of_few_are_no_finding(
    serving: Serving, settings: Settings, database: Database
) -> None:
    _look(settings, database, 0)
    serving.answered, serving.failed = 50, 5
    seen = _look(settings, database, 1)
    assert seen.findings == ()
    assert "MON412" not in seen.judged


def test_counters_that_begin_anew_are_not_taken_for_less(
    serving: Serving, settings: Settings, database: Database
) -> None:
    serving.answered, serving.failed = 100_000, 100
    _look(settings, database, 0)
    serving.answered, serving.failed = 1_000, 500  # started again, and failing
    assert "MON412" in _codes(_look(settings, database, 1))


def test_answers_that_do_not_reach_the_database_are_found(
    serving: Serving, settings: Settings, database: Database
) -> None:
    _look(settings, database, 0)
    serving.answered, serving.behind = 1_000, 3_600
    assert _codes(_look(settings, database, 1)) == {"MON416"}


def test_serving_that_is_away_is_a_finding_and_heals(
    serving: Serving, settings: Settings, database: Database
) -> None:
    away = Settings(serving_url="http://127.0.0.1:9")
    assert _codes(_look(away, database, 0)) == {"MON417"}
    back = _look(settings, database, 1)
    assert back.findings == ()
    assert "MON417" in back.judged
