"""Requests about leads that go wrong, wait too long, or end in the middle: the application answers them."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest

from estate.core.errors import StoreError
from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import key_file
from serving.hot import lead_way
from serving.hot.lead_batch import answer_leads
from tests.serving.hot.lead_shop import LEADS, POISON, READING
from tests.serving.hot.leads.asking import (
    HELD,
    ask,
    hold,
    kept,
    right,
    settled,
    short,
    told,
    warm,
)
from tests.serving.hot.wire import Wire
from tests.serving.shop import Served, Shop, wait_for
from tests.serving.test_leads import cut_off


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
