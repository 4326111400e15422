"""What a serving process says of its requests, in answers, logs and metrics: enough, and nothing personal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from estate.core.logs import JsonFormatter, TextFormatter
from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import key_file
from serving.request_log import AnsweredRequest, RequestLog
from tests.serving.shop import ROW, Served, Shop, wait_for

PREDICT = "/v1/models/sale/predict"
SECRET_VALUE = "marker-of-a-value"
SECRET_NUMBER = 918273645.5


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as served:
        yield served


def fields_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    records = [record for record in caplog.records if record.name == "serving.request_log"]
    return [record.fields for record in records]  # type: ignore[attr-defined]


def test_a_callers_sane_id_comes_back(served: Served) -> None:
    answer = served.client.get("/health/live", headers={"x-request-id": "crm-47.11_A"})
    assert answer.headers["x-request-id"] == "crm-47.11_A"


@pytest.mark.parametrize("odd", ["", "two words", "a" * 65, "a\tb", "ä", "a;b=c", "../x"])
def test_an_odd_one_is_replaced(served: Served, odd: str) -> None:
    given = served.client.get("/health/live", headers={b"x-request-id": odd.encode()}).headers["x-request-id"]
    assert given != odd
    assert given.replace("-", "").isalnum()


def test_two_requests_have_two_ids(served: Served) -> None:
    ids = [served.client.get("/health/live").headers["x-request-id"] for _ in range(2)]
    assert ids[0] != ids[1]


def test_errors_carry_the_id_too(served: Served) -> None:
    for path in ("/nowhere", "/v1/models/nothing"):
        assert served.client.get(path, headers={"x-request-id": "a"}).headers["x-request-id"] == "a"


def test_a_line_says_who_answered_what(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "serving.request_log")
    # a body of that size goes through the application, whatever answers small ones
    answer = served.client.post(PREDICT, json={"rows": [ROW] * 400}, headers={"x-request-id": "mine"})
    wait_for(lambda: fields_of(caplog) != [])  # written once the answer is on its way
    (said,) = fields_of(caplog)
    assert said.pop("ms", None) is not None
    first = answer.json()["predictions"][0]["id"]
    assert said == {
        "request": "mine", "route": "predict", "status": 200, "model": "sale", "version": "rules",
        "source": "rules", "predictions": 400, "first": first,
    }  # fmt: skip


def test_at_the_usual_level_a_request_that_went_well_is_silent(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    served.predict()
    assert fields_of(caplog) == []


def test_slow_and_failed_and_shed_requests_are_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = RequestLog(0.5)
    assert not log.wants(200, 0.49)
    assert not log.wants(422, 0.1)
    for status, seconds in ((200, 0.5), (500, 0.1), (503, 0.1), (504, 0.1), (429, 0.1)):
        assert log.wants(status, seconds)
        log.note(AnsweredRequest("id", "predict", status, seconds))
    assert [said["status"] for said in fields_of(caplog)] == [200, 500, 503, 504, 429]


def test_an_overload_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    seconds = iter([0.0] * 1000 + [1.0])
    log = RequestLog(0.5, clock=lambda: next(seconds))
    for _ in range(1001):
        log.note(AnsweredRequest("id", "predict", 503, 0.001))
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("request") == 21
    assert "requests_not_logged requests=980" in messages


def test_lines_of_a_request_carry_its_id_in_both_forms(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.extend((TextFormatter().format(record), JsonFormatter().format(record)))

    def breaks() -> bytes:
        raise ValueError(SECRET_VALUE)

    monkeypatch.setattr(served.process.metrics, "text", breaks)
    collect = Collect()
    logging.getLogger("serving.observed").addHandler(collect)
    try:
        assert served.client.get("/metrics", headers={"x-request-id": "mine"}).status_code == 500
    finally:
        logging.getLogger("serving.observed").removeHandler(collect)
    text, as_json = lines
    assert text.endswith("request=mine")
    assert json.loads(as_json)["request"] == "mine"
    assert SECRET_VALUE not in text + as_json


def test_no_log_line_and_no_metric_holds_a_key_or_a_value(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, key = key_file(shop.settings).create(KeyTerms(name="crm", role=Role.SCORE, rate=1000, burst=5000))
    shop.train("1", fails_above=100)
    shop.promote("1")
    row = {**ROW, "case_id": "case-of-marker", "area": SECRET_VALUE, "price_usd": SECRET_NUMBER}
    bodies: list[object] = [
        {"rows": [row]},
        {"rows": [{**row, "rooms": 1000}]},  # the model fails
        {"rows": [{**row, "rooms": SECRET_VALUE}]},
        {"rows": [row] * 400},
        {"rows": [row] * 6000},
        {"rows": SECRET_VALUE},
        {"lead_ids": [SECRET_VALUE]},
    ]
    with shop.serve() as served:
        headers = {"x-api-key": key}
        statuses = [served.client.post(PREDICT, json=body, headers=headers).status_code for body in bodies]
        served.client.post(PREDICT, json=bodies[0], headers={"x-api-key": key + SECRET_VALUE})
        served.client.post(f"/v1/models/{SECRET_VALUE}/predict", json=bodies[0], headers=headers)
        served.client.post("/nowhere/" + SECRET_VALUE, json=bodies[0], headers=headers)
        metrics = served.client.get("/metrics").text
    assert statuses == [200, 200, 422, 200, 413, 422, 422]
    said = "\n".join(TextFormatter().format(record) + JsonFormatter().format(record) for record in
                     caplog.records if record.name.startswith(("serving", "estate", "uvicorn")))  # fmt: skip
    assert "request" in said
    for text in (said, metrics):
        for secret in (SECRET_VALUE, "918273645", "case-of-marker", key, key.rsplit("_", 1)[1]):
            assert secret not in text
