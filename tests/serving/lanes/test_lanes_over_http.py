"""What callers of a real process meet while a model is slow, or asked too much."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from estate.core.settings import Settings
from estate.store.database import Database
from tests.serving.lanes.gate import GATE, MODEL
from tests.serving.shop import MODEL_FILE, Served, Shop, wait_for


@pytest.fixture
def served(tmp_path: Path, database: Database) -> Iterator[Served]:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "model.py").write_text(MODEL_FILE + MODEL)
    settings = Settings(
        home=tmp_path / "home",
        database_url=SecretStr(database.url),
        models=(tmp_path / "models",),
        serving_queue_rows=10,
    )
    GATE.close()
    with Shop(tmp_path, settings, database).serve() as running:
        yield running
        GATE.open()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(30) as pool:
        yield pool
        GATE.open()


def ask(served: Served, *rooms: int, **headers: str) -> httpx.Response:
    rows = {"rows": [{"rooms": room} for room in rooms]}
    return httpx.post(f"{served.url}/v1/models/gated/predict", json=rows, headers=headers, timeout=60)


def waiting(served: Served, rows: int) -> bool:
    return served.process.desk.lane("gated").waiting_rows == rows


def test_a_slow_model_keeps_nobody_waiting_who_asks_another(
    served: Served, callers: ThreadPoolExecutor
) -> None:
    order: list[str] = []
    slow = [callers.submit(ask, served, room) for room in (1, 2, 3)]
    for one in slow:
        one.add_done_callback(lambda _: order.append("slow"))
    assert GATE.came.wait(30)
    wait_for(lambda: waiting(served, 3))
    for _ in range(20):
        assert served.predict().status_code == 200
        order.append("fast")
    GATE.open()
    assert [one.result().json()["predictions"][0]["score"] for one in slow] == [0.001, 0.002, 0.003]
    wait_for(lambda: len(order) == 23)
    assert order == ["fast"] * 20 + ["slow"] * 3


def test_what_waited_together_is_scored_together_and_one_bad_row_is_its_own_affair(
    served: Served, callers: ThreadPoolExecutor
) -> None:
    first = callers.submit(ask, served, 1)
    assert GATE.came.wait(30)
    others = [callers.submit(ask, served, room) for room in (2, 999, 4)]
    wait_for(lambda: waiting(served, 4))
    GATE.open()
    assert first.result().status_code == 200
    assert [one.result().status_code for one in others] == [200, 422, 200]
    assert others[2].result().json()["predictions"][0]["score"] == 0.004
    assert sorted(map(len, GATE.calls)) == [1, 1, 1, 1, 3]  # together, then each by itself


def test_beyond_the_bound_it_is_503_with_the_time_to_come_again(
    served: Served, callers: ThreadPoolExecutor
) -> None:
    taken: list[Future[httpx.Response]] = [callers.submit(ask, served, *range(1, 7))]
    assert GATE.came.wait(30)
    taken.append(callers.submit(ask, served, 1, 2, 3, 4))
    wait_for(lambda: waiting(served, 10))
    refused = ask(served, 1)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"
    assert served.metric("leadloop_requests_shed_total") == 1
    GATE.open()
    assert [one.result().status_code for one in taken] == [200, 200]


def test_bulk_is_turned_away_while_people_are_let_in(served: Served, callers: ThreadPoolExecutor) -> None:
    taken = [callers.submit(ask, served, *range(1, 6))]
    assert GATE.came.wait(30)
    assert ask(served, 1, **{"x-priority": "bulk"}).status_code == 503
    taken.append(callers.submit(ask, served, 1))
    wait_for(lambda: waiting(served, 6))
    GATE.open()
    assert [one.result().status_code for one in taken] == [200, 200]


def test_whose_time_is_over_gets_504_while_the_model_still_computes(
    served: Served, callers: ThreadPoolExecutor
) -> None:
    first = callers.submit(ask, served, 1)
    assert GATE.came.wait(30)
    late = ask(served, 2, **{"x-timeout-ms": "50"})
    assert (late.status_code, late.headers["content-type"]) == (504, "application/problem+json")
    assert "x-timeout-ms" in late.json()["detail"]
    GATE.open()
    assert first.result().status_code == 200
    wait_for(lambda: waiting(served, 0))
    assert GATE.calls == [[1.0]]


def test_the_line_is_empty_in_the_metrics_when_all_is_answered(
    served: Served, callers: ThreadPoolExecutor
) -> None:
    asked = [callers.submit(ask, served, 1) for _ in range(5)]
    wait_for(lambda: waiting(served, 5))
    assert served.metric("leadloop_queue_rows") == 5
    GATE.open()
    assert {one.result().status_code for one in asked} == {200}
    wait_for(lambda: served.metric("leadloop_queue_rows") == 0)
