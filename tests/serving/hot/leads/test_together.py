"""Leads that are asked at the same time are answered together, each request as if it were alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.serving.hot.lead_shop import LEADS, READING, score_of
from tests.serving.hot.leads.asking import (
    GET,
    HELD,
    ask,
    asking,
    hold,
    is_of,
    kept,
    right,
    settled,
    short,
    told,
)
from tests.serving.hot.wire import Wire
from tests.serving.shop import Served, Shop, wait_for


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


def test_reasons_of_the_same_row_are_made_once(served: Served, wires: list[Wire]) -> None:
    labels = '{model="buy",tier="reasons"}'
    answers = []
    for lead in ("lead-1", "lead-2", "lead-1"):
        ask(wires[0], lead, explain=True)
        answers.append(wires[0].answer().json["predictions"][0]["reasons"])
    assert answers[0] == answers[2] != answers[1]
    assert served.metric(f"leadloop_cache_hits_total{labels}") == 1
    assert served.metric(f"leadloop_cache_misses_total{labels}") == 2
