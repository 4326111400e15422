"""Keys and rates as callers of a real serving process meet them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import KeyFile, key_file
from tests.serving.shop import ROW, Served, Shop, wait_for

BODY = {"rows": [ROW]}
PREDICT = "/v1/models/sale/predict"


@pytest.fixture
def keys(shop: Shop) -> KeyFile:
    return key_file(shop.settings)


@pytest.fixture
def score(keys: KeyFile) -> str:
    return keys.create(KeyTerms(name="crm", role=Role.SCORE))[1]


@pytest.fixture
def admin(keys: KeyFile) -> str:
    return keys.create(KeyTerms(name="ops", role=Role.ADMIN))[1]


@pytest.fixture
def slow(keys: KeyFile) -> str:
    return keys.create(KeyTerms(name="slow", role=Role.SCORE, rate=0.01, burst=5))[1]


@pytest.fixture
def served(score: str, admin: str, slow: str, shop: Shop) -> Iterator[Served]:
    with shop.serve() as served:
        yield served


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_without_any_key_a_process_on_loopback_answers_everybody(shop: Shop) -> None:
    with shop.serve() as served:
        assert served.predict().status_code == 200
        assert served.client.get("/metrics").status_code == 200
        assert served.client.post(PREDICT, json=BODY, headers=bearer("nonsense")).status_code == 200


def test_a_key_in_either_header_lets_in(served: Served, score: str) -> None:
    for headers in (bearer(score), {"authorization": f"bearer  {score}"}, {"x-api-key": score}):
        assert served.client.post(PREDICT, json=BODY, headers=headers).status_code == 200


def test_without_one_there_is_a_problem_document(served: Served) -> None:
    answer = served.client.post(PREDICT, json=BODY)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["detail"].startswith("API key: expected a valid one, got none.")


@pytest.mark.parametrize("wrong", ["x", "ll_" + "0" * 77, "é" * 40, "a" * 30_000, "Bearer"])
def test_hostile_keys_are_401_and_not_repeated(served: Served, wrong: str) -> None:
    for headers in ({b"x-api-key": wrong.encode()}, {b"authorization": b"Bearer " + wrong.encode()}):
        answer = served.client.post(PREDICT, json=BODY, headers=headers)
        assert answer.status_code == 401
        assert len(wrong) < 7 or wrong not in answer.text


def test_routes_ask_for_their_role(served: Served, score: str, admin: str) -> None:
    def statuses(path: str) -> list[int]:
        get = served.client.get
        return [get(path).status_code, get(path, headers=bearer(score)).status_code,
                get(path, headers=bearer(admin)).status_code]  # fmt: skip

    assert statuses("/health/live") == [200, 200, 200]
    assert statuses("/metrics") == [200, 200, 200]  # on loopback
    for path in ("/v1/models", "/v1/models/sale", "/docs", "/openapi.json"):
        assert statuses(path) == [401, 200, 200], path
    assert statuses("/v1/outcomes") == [401, 403, 405]
    assert statuses("/v1/leads/lead-1/interventions") == [401, 403, 405]
    assert statuses("/v1/webhooks/crm") == [405, 405, 405]  # its bodies are signed
    assert statuses("/nowhere") == [401, 403, 404]


def test_metrics_may_ask_for_an_admin(shop: Shop, score: str, admin: str) -> None:
    shop.settings = shop.settings.model_copy(update={"metrics_open": False})
    with shop.serve() as served:
        get = served.client.get
        assert get("/metrics").status_code == 401
        assert get("/metrics", headers=bearer(score)).status_code == 403
        assert get("/metrics", headers=bearer(admin)).status_code == 200


def test_elsewhere_than_on_loopback_metrics_ask_for_one_by_themselves(shop: Shop, score: str) -> None:
    shop.settings = shop.settings.model_copy(update={"host": "0.0.0.0"})
    with shop.serve() as served:
        assert served.client.get("/metrics").status_code == 401


def test_elsewhere_a_lost_key_file_opens_nothing(shop: Shop, keys: KeyFile, score: str) -> None:
    shop.settings = shop.settings.model_copy(update={"host": "0.0.0.0"})
    with shop.serve() as served:
        keys.path.unlink()
        wait_for(lambda: served.client.post(PREDICT, json=BODY, headers=bearer(score)).status_code == 401)
        assert served.client.post(PREDICT, json=BODY).status_code == 401


def test_a_revoked_key_stops_in_a_running_process(served: Served, score: str, keys: KeyFile) -> None:
    def status() -> int:
        return served.client.post(PREDICT, json=BODY, headers=bearer(score)).status_code

    assert status() == 200
    keys.revoke("crm")
    wait_for(lambda: status() == 401, seconds=1.5)


def test_beyond_the_rate_it_says_when_to_come_back(served: Served, slow: str, score: str) -> None:
    assert served.client.post(PREDICT, json={"rows": [ROW] * 5}, headers=bearer(slow)).status_code == 200
    answer = served.client.post(PREDICT, json=BODY, headers=bearer(slow))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 90
    assert "rate of API key `slow`" in answer.json()["detail"]
    assert served.client.post(PREDICT, json=BODY, headers=bearer(score)).status_code == 200


def test_more_rows_than_the_burst_are_413(served: Served, slow: str) -> None:
    answer = served.client.post(PREDICT, json={"rows": [ROW] * 6}, headers=bearer(slow))
    assert answer.status_code == 413
    assert "expected at most 5 rows at once, got 6" in answer.json()["detail"]


def test_every_request_costs_a_row_even_a_wrong_one(served: Served, slow: str) -> None:
    statuses = [served.client.post(PREDICT, content=b"{", headers=bearer(slow)).status_code for _ in range(6)]
    assert statuses[:5] != [429] * 5
    assert statuses[5] == 429


def test_refusals_are_counted_without_naming_anybody(served: Served, score: str) -> None:
    served.client.post(PREDICT, json=BODY)
    served.client.post(PREDICT, json=BODY, headers=bearer(score[:-1] + "x"))
    text = served.client.get("/metrics").text
    assert 'leadloop_guard_refusals_total{reason="no_key"} 1.0' in text
    assert 'leadloop_guard_refusals_total{reason="wrong_key"} 1.0' in text
    assert score[3:15] not in text
