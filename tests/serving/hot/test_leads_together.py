"""Leads that are asked at the same time are answered together, each request as if it were alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from estate.core.errors import StoreError
from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.predictions import read_recent
from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import key_file
from serving.hot import lead_way
from serving.hot.lead_batch import answer_leads
from tests.serving.hot.lead_shop import LEADS, POISON, READING, budget_of, fill, score_of, train
from tests.serving.hot.wire import Answer, Wire, with_body
from tests.serving.shop import Served, Shop, wait_for
from tests.serving.test_leads import cut_off

HELD = "lead-63"
GET = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Shop:
    (tmp_path / "models").mkdir()
    settings = Settings(
        home=tmp_path / "home",
        database_url=SecretStr(database.url),
        models=(tmp_path / "models",),
        cache_memory_seconds=0.0,
    )
    made = Shop(tmp_path, settings, database)
    fill(made)
    for version in ("1", "2"):
        train(made, version)
    made.promote("1", model="buy")
    READING.close()
    READING.open()
    return made


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as running:
        warm(running, "1")
        yield running
        READING.open()


def warm(served: Served, version: str) -> None:
    """Have a version in service, and its speed known."""
    served.wait_for_version(version, "buy")
    for _ in range(2):
        served.client.post("/v1/models/buy/predict", json={"lead_ids": ["lead-0"]}).raise_for_status()
    READING.calls.clear()


@pytest.fixture
def wires(served: Served) -> Iterator[list[Wire]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Wire(served.url))) for _ in range(12)]
        READING.open()


def asking(*leads: str, explain: bool = False, **headers: str) -> bytes:
    body = {"lead_ids": leads, **({"explain": True} if explain else {})}
    return with_body(json.dumps(body).encode(), model="buy", **headers)


def ask(wire: Wire, *leads: str, explain: bool = False, **headers: str) -> None:
    wire.socket.sendall(asking(*leads, explain=explain, **headers))


def hold(wire: Wire) -> None:
    """Have the thread wait in the midst of reading a lead: what comes then is answered together."""
    READING.close()
    ask(wire, HELD)
    assert READING.came.wait(30)


def told(answer: Answer) -> list[tuple[str, float]]:
    assert answer.status == 200, answer.body
    return [(one["entity"], one["score"]) for one in answer.json["predictions"]]


def right(*leads: str, version: str = "1") -> list[tuple[str, Any]]:
    return [(lead, pytest.approx(score_of(lead, version), abs=1e-6)) for lead in leads]


def is_of(lead: str, reason: dict[str, Any]) -> bool:
    """Whether a reason speaks of this lead: its log-odds are a line, so what they come from is known."""
    if reason["feature"] == "bedrooms":
        return bool(reason["contribution"] == pytest.approx(0.1, abs=0.02))
    budget = budget_of(lead)
    told = reason["text"].startswith(f"Budget in USD: {budget:,.0f}")
    return told and bool(reason["contribution"] == pytest.approx((budget - 300_000) / 100_000, abs=1e-3))


def short(served: Served) -> float:
    """Return how many batches went the short way."""
    return served.metric("leadloop_batch_rows_count")


def settled(served: Served) -> None:
    """Wait until the loop has read what was sent: it answers this on a connection of its own."""
    served.client.get("/health/live").raise_for_status()


def kept(shop: Shop) -> list[str]:
    with shop.database.begin() as connection:
        return [row.prediction_id for row in read_recent(connection, "buy")]


def test_what_waits_together_is_read_and_scored_together(served: Served, wires: list[Wire]) -> None:
    before = short(served)
    first, *others = wires
    hold(first)
    for i, wire in enumerate(others):
        ask(wire, f"lead-{i}", f"lead-{i + 1}", explain=bool(i % 2), x_request_id=f"request-{i}")
    settled(served)
    READING.open()
    assert told(first.answer()) == right(HELD)
    for i, wire in enumerate(others):
        answer = wire.answer()
        assert told(answer) == right(f"lead-{i}", f"lead-{i + 1}")
        assert answer.headers["x-request-id"] == f"request-{i}"
        assert ["reasons" in one for one in answer.json["predictions"]] == [bool(i % 2)] * 2
    assert [len(call) for call in READING.calls] == [1, 12]  # of each lead the facts once
    assert short(served) - before == 2


def test_the_short_and_the_usual_way_say_the_same(served: Served, wires: list[Wire]) -> None:
    answers = []
    for usual in ({}, {"x_priority": "interactive"}):
        before = short(served)
        ask(wires[0], "lead-7", "nobody", "lead-3", "lead-7", explain=True, **usual)
        answer = wires[0].answer().json
        assert (short(served) > before) == (not usual)
        assert answer.pop("as_of").endswith("Z")
        for one in answer["predictions"]:
            assert len(one.pop("id")) == 36
            assert one.pop("data_age_seconds") > 0
        answers.append(answer)
    assert answers[0] == answers[1]
    assert answers[0]["missing"] == ["nobody"]
    assert [len(one["reasons"]) for one in answers[0]["predictions"]] == [2, 2]


def test_nobody_gets_the_answer_or_the_reasons_of_another_lead(served: Served, shop: Shop) -> None:
    def client(number: int) -> list[str]:
        ids = []
        with closing(Wire(served.url)) as wire:
            for turn in range(30):
                leads = [LEADS[(number * 7 + turn * k) % len(LEADS)] for k in (1, 3)][: 1 + turn % 2]
                explain = turn % 3 > 0
                ask(wire, *leads, explain=explain)
                found = wire.answer().json["predictions"]
                assert [one["entity"] for one in found] == list(dict.fromkeys(leads))
                for one in found:
                    assert one["score"] == pytest.approx(score_of(one["entity"], "1"), abs=1e-6)
                    assert ("reasons" in one) == explain
                    for reason in one.get("reasons", ()):
                        assert is_of(one["entity"], reason)
                    ids.append(one["id"])
        return ids

    before = short(served)
    with ThreadPoolExecutor(32) as pool:
        ids = [one for found in pool.map(client, range(32)) for one in found]
    assert short(served) > before
    assert len(set(ids)) == len(ids)
    wait_for(lambda: len(kept(shop)) == len(ids) + 2)  # once each, and those before
    assert set(ids) <= set(kept(shop))


@pytest.mark.parametrize(
    ("lead", "status"), [("nobody", 422), (POISON, 422), ("", 422)], ids=["unknown", "poison", "empty"]
)
def test_a_bad_lead_costs_only_its_own_request_the_answer(
    served: Served, shop: Shop, wires: list[Wire], lead: str, status: int
) -> None:
    first, *others = wires
    hold(first)
    for i, wire in enumerate(others):
        ask(wire, lead if i == 4 else f"lead-{i}", explain=True)
    settled(served)
    READING.open()
    first.answer()
    answers = [wire.answer() for wire in others]
    assert [answer.status for answer in answers] == [200] * 4 + [status] + [200] * 6
    for i, answer in enumerate(answers):
        if i != 4:
            assert told(answer) == right(f"lead-{i}")
    assert answers[4].headers["content-type"] == "application/problem+json"
    wait_for(lambda: len(kept(shop)) == 10 + 1 + 2)


def test_a_version_that_takes_over_in_the_middle_answers_whole_requests(served: Served, shop: Shop) -> None:
    done, wrong, versions = threading.Event(), [], set()

    def client(number: int) -> None:
        with closing(Wire(served.url)) as wire:
            while not done.is_set():
                leads = LEADS[number : number + 2]
                ask(wire, *leads, explain=True)
                answer = wire.answer()
                version = answer.json["version"]
                versions.add(version)
                if told(answer) != right(*leads, version=version):
                    wrong.append(answer.json)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for version in ("2", "1", "2"):
        shop.promote(version, model="buy")
        served.wait_for_version(version, "buy")
    done.set()
    for thread in threads:
        thread.join()
    assert (wrong, versions) == ([], {"1", "2"})


def test_what_waits_while_a_version_takes_over_is_answered_by_one_of_them(
    served: Served, shop: Shop, wires: list[Wire]
) -> None:
    first, *others = wires
    hold(first)
    for i, wire in enumerate(others):
        ask(wire, f"lead-{i}", explain=True)
    settled(served)
    shop.promote("2", model="buy")
    served.wait_for_version("2", "buy")
    READING.open()
    assert told(first.answer()) == right(HELD)
    for i, wire in enumerate(others):
        answer = wire.answer()
        assert (answer.json["version"], told(answer)) == ("2", right(f"lead-{i}", version="2"))


def test_requests_in_one_packet_keep_their_order(wires: list[Wire]) -> None:
    wire = wires[0]
    packet = [asking(f"lead-{i}", explain=bool(i % 2), x_request_id=str(i)) for i in range(9)]
    wire.socket.sendall(b"".join([*packet[:4], GET, *packet[4:]]))
    answers = [wire.answer() for _ in range(10)]
    assert b"live" in answers.pop(4).body
    assert [answer.headers["x-request-id"] for answer in answers] == [str(i) for i in range(9)]
    assert [told(answer) for answer in answers] == [right(f"lead-{i}") for i in range(9)]


def test_what_a_connection_sends_while_it_waits_is_answered_afterwards(
    served: Served, wires: list[Wire]
) -> None:
    wire = wires[0]
    hold(wire)
    wire.socket.sendall(GET + asking("lead-1") + GET)
    settled(served)
    READING.open()
    assert told(wire.answer()) == right(HELD)
    assert b"live" in wire.answer().body
    assert told(wire.answer()) == right("lead-1")
    assert wire.answer().status == 200


def test_a_client_that_went_away_costs_nobody_the_answer(served: Served, wires: list[Wire]) -> None:
    first, gone, last = wires[:3]
    hold(first)
    ask(gone, "lead-1")
    ask(last, "lead-2")
    settled(served)
    gone.close()
    READING.open()
    assert told(first.answer()) == right(HELD)
    assert told(last.answer()) == right("lead-2")


def test_with_the_database_away_each_gets_503_or_what_is_kept(served: Served, shop: Shop) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(closing(Wire(served.url))) for _ in range(8)]
        for wire in wires[:4]:
            ask(wire, "lead-5")
            wire.answer()
        with cut_off(shop):
            for i, wire in enumerate(wires):
                ask(wire, "lead-5" if i < 4 else "lead-6")
            answers = [wire.answer() for wire in wires]
        assert [answer.status for answer in answers] == [200] * 4 + [503] * 4
        assert {answer.json["predictions"][0]["cache"] for answer in answers[:4]} == {"stale"}


def test_while_the_database_gives_no_answer_nobody_waits_for_it_in_turn(
    served: Served, wires: list[Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    goes = []

    def away(_process: object, _model: str, asked: list[object]) -> object:
        goes.append(len(asked))
        raise StoreError("database", expected="an answer", got="none")

    first, *others = wires
    hold(first)
    monkeypatch.setattr(lead_way, "answer_leads", away)
    for start, wire in enumerate(others):
        ask(wire, *LEADS[start : start + 40])  # no two fit into one go
    settled(served)
    READING.open()
    assert told(first.answer()) == right(HELD)
    for start, wire in enumerate(others):
        assert told(wire.answer()) == right(*LEADS[start : start + 40])
    assert goes == [1]


def test_who_has_waited_too_long_is_answered_by_the_application(
    wires: list[Wire], monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    goes = []

    def counted(*asked: Any) -> Any:
        goes.append(asked)
        return answer_leads(*asked)

    first, second = wires[:2]
    hold(first)
    monkeypatch.setattr(lead_way, "answer_leads", counted)
    monkeypatch.setattr(lead_way, "PATIENCE_SECONDS", 0.0)
    ask(second, "lead-1")
    settled(served)
    READING.open()
    assert told(first.answer()) == right(HELD)
    assert told(second.answer()) == right("lead-1")
    assert not goes


def test_what_the_application_answers_in_the_end_counts_once(shop: Shop) -> None:
    keys = key_file(shop.settings)
    fast = keys.create(KeyTerms(name="crm", role=Role.SCORE))[1]
    slow = keys.create(KeyTerms(name="slow", role=Role.SCORE, rate=0.01, burst=5))[1]
    nobody = [f"nobody-{i}" for i in range(5)]
    with shop.serve() as served, closing(Wire(served.url)) as wire:
        served.client.headers["x-api-key"] = fast
        warm(served, "1")
        ask(wire, *nobody, x_api_key=slow)
        assert wire.answer().status not in {200, 429}
        ask(wire, "lead-0", x_api_key=slow)
        assert wire.answer().status == 429


def test_a_slow_one_is_in_the_request_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    slow = replace(shop, settings=shop.settings.model_copy(update={"serving_slow_ms": 0.001}))
    with slow.serve() as served, closing(Wire(served.url)) as wire, caplog.at_level("INFO", "serving"):
        warm(served, "1")
        before = short(served)
        ask(wire, "lead-1", x_request_id="crm-4711")
        assert wire.answer().status == 200
        assert short(served) > before
        wait_for(lambda: ("crm-4711", "buy", 1) in logged(caplog))


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[object, ...]]:
    lines = [record.fields for record in list(caplog.records) if hasattr(record, "fields")]
    return [(line["request"], line["model"], line["predictions"]) for line in lines if "model" in line]


def test_a_process_that_ends_answers_what_waits_and_closes(shop: Shop) -> None:
    with ExitStack() as stack:
        with shop.serve() as served:
            warm(served, "1")
            first, *others = [stack.enter_context(closing(Wire(served.url))) for _ in range(6)]
            hold(first)
            for i, wire in enumerate(others):
                ask(wire, f"lead-{i}", explain=True)
            settled(served)
            threading.Timer(1.0, READING.open).start()
        assert told(first.answer()) == right(HELD)
        for i, wire in enumerate(others):
            assert told(wire.answer()) == right(f"lead-{i}")
        assert all(wire.is_closed() for wire in (first, *others))
    assert len(kept(shop)) == 6 + 2


def test_reasons_of_the_same_row_are_made_once(served: Served, wires: list[Wire]) -> None:
    labels = '{model="buy",tier="reasons"}'
    answers = []
    for lead in ("lead-1", "lead-2", "lead-1"):
        ask(wires[0], lead, explain=True)
        answers.append(wires[0].answer().json["predictions"][0]["reasons"])
    assert answers[0] == answers[2] != answers[1]
    assert served.metric(f"leadloop_cache_hits_total{labels}") == 1
    assert served.metric(f"leadloop_cache_misses_total{labels}") == 2
