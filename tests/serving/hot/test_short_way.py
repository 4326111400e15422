"""Small requests that come in the same moment are scored in one call, each answered as if it were alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.predictions import read_recent
from serving import server
from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import key_file
from serving.hot.reply import Reply
from serving.hot.way import Way
from tests.serving.hot.wire import Answer, Wire, request, with_body
from tests.serving.lanes.gate import GATE, MODEL
from tests.serving.shop import MODEL_FILE, ROW, Served, Shop, score_of, wait_for


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Shop:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "model.py").write_text(MODEL_FILE + MODEL)
    settings = Settings(
        home=tmp_path / "home", database_url=SecretStr(database.url), models=(tmp_path / "models",)
    )
    GATE.close()
    GATE.open()
    return Shop(tmp_path, settings, database)


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as running:
        make_known(running)
        yield running
        GATE.open()


@pytest.fixture
def wires(served: Served) -> Iterator[list[Wire]]:
    with ExitStack() as stack:
        made = [stack.enter_context(closing(Wire(served.url))) for _ in range(9)]
        for wire in made:  # each is accepted and was served before
            wire.send({"rooms": 1})
            assert wire.answer().status == 200
        GATE.calls.clear()
        yield made
        GATE.open()


def make_known(served: Served) -> None:
    """Have a model's speed known: it is from its second call on."""
    for model in ("gated", "sale"):
        for _ in range(2):
            assert served.predict({**ROW, "rooms": 1}, model=model).status_code == 200
    GATE.calls.clear()


def hold(wire: Wire) -> None:
    """Have the loop wait inside a call, so that whatever is sent then comes in one moment."""
    GATE.close()
    wire.send({"rooms": 0})
    assert GATE.came.wait(30)


def short(served: Served) -> float:
    """Return how many calls were made the short way."""
    return served.metric("leadloop_batch_rows_count")


def scores(answer: Answer) -> list[float]:
    return [one["score"] for one in answer.json["predictions"]]


def test_what_comes_in_one_moment_on_several_connections_is_scored_in_one_call(
    served: Served, wires: list[Wire]
) -> None:
    before = short(served)
    first, *others = wires
    hold(first)
    for i, wire in enumerate(others):
        wire.send({"rooms": i}, {"rooms": i + 100}, x_request_id=f"request-{i}")
    GATE.open()
    assert scores(first.answer()) == [0.0]
    for i, wire in enumerate(others):
        answer = wire.answer()
        assert scores(answer) == [i / 1000, (i + 100) / 1000]
        assert answer.headers["x-request-id"] == f"request-{i}"
    assert [len(call) for call in GATE.calls] == [1, 16]
    assert short(served) - before == 2


def test_several_requests_in_one_packet_are_answered_in_their_order(wires: list[Wire]) -> None:
    wire = wires[0]
    wire.socket.sendall(b"".join(request({"rooms": i}, x_request_id=str(i)) for i in range(20)))
    answers = [wire.answer() for _ in range(20)]
    assert [scores(answer) for answer in answers] == [[i / 1000] for i in range(20)]
    assert [answer.headers["x-request-id"] for answer in answers] == [str(i) for i in range(20)]


def test_short_and_usual_ones_on_a_connection_keep_their_order(served: Served, wires: list[Wire]) -> None:
    usual = {"x_priority": "interactive"}
    wire, before = wires[0], short(served)
    wire.socket.sendall(
        b"".join(request({"rooms": i}, **(usual if i % 2 else {})) for i in range(10))
        + b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
    )
    assert [scores(wire.answer()) for _ in range(10)] == [[i / 1000] for i in range(10)]
    assert wire.answer().status == 200
    assert short(served) > before


def test_one_that_is_answered_the_usual_way_after_all_keeps_its_place_and_its_route(
    wires: list[Wire],
) -> None:
    get = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
    wire = wires[0]
    wire.socket.sendall(request({"rooms": 999}) + request({"rooms": 1}) + request({"rooms": 999}) + get)
    assert [wire.answer().status for _ in range(4)] == [422, 200, 422, 200]
    wire.socket.sendall(request({"rooms": 999}) + get + request({"rooms": 2}))
    assert [wire.answer().status for _ in range(2)] == [422, 200]
    assert scores(wire.answer()) == [0.002]


def test_a_request_that_comes_byte_by_byte_is_answered(wires: list[Wire]) -> None:
    for byte in request({"rooms": 7}):
        wires[0].socket.sendall(bytes([byte]))
    assert scores(wires[0].answer()) == [0.007]


@pytest.mark.parametrize("bad", [{"rooms": 999}, {"rooms": "many"}, {"cellars": 1}])
def test_a_bad_row_among_them_costs_only_its_own_request_the_answer(
    shop: Shop, wires: list[Wire], bad: object
) -> None:
    first, *others = wires
    hold(first)
    for i, wire in enumerate(others):
        wire.send(*[bad] if i == 3 else [{"rooms": i}])
    GATE.open()
    answers = [wire.answer() for wire in others]
    assert [answer.status for answer in answers] == [200] * 3 + [422] + [200] * 4
    assert answers[3].headers["content-type"] == "application/problem+json"
    given = [one["id"] for answer in answers if answer.status == 200 for one in answer.json["predictions"]]
    wait_for(lambda: set(given) <= set(kept(shop, "gated")))
    assert len(kept(shop, "gated")) == len(given) + 9 + 2 + 1  # once each, and those before


def test_each_request_is_counted_and_kept_once(served: Served, shop: Shop, wires: list[Wire]) -> None:
    before = served.metric("leadloop_requests_total")
    for wire in wires:
        wire.send({"rooms": 1})
    ids = [wire.answer().json["predictions"][0]["id"] for wire in wires]
    assert len(set(ids)) == 9
    assert served.metric("leadloop_requests_total") - before >= 9
    wait_for(lambda: set(ids) <= set(kept(shop, "gated")))


def kept(shop: Shop, model: str) -> list[str]:
    with shop.database.begin() as connection:
        return [row.prediction_id for row in read_recent(connection, model)]


@pytest.mark.parametrize(
    "sent",
    [
        request(*[{"rooms": 1}] * 65),
        request({"rooms": 1, "note": "x" * 17_000}),
        request({"rooms": 1, "note": "x" * 120_000}),
        request({"rooms": 1}, x_timeout_ms="5000"),
        request({"rooms": 1}, connection="close"),
        request({"rooms": 1}, content_type="application/json; charset=UTF-8"),
        with_body(b'{"rows": [{"rooms": 1}], "explain": true}', model="sale"),
    ],
    ids=["65 rows", "over 16 KiB", "over 100 KB", "a deadline", "the last one", "another type", "reasons"],
)
def test_what_is_no_ordinary_small_request_goes_the_usual_way(served: Served, sent: bytes) -> None:
    before = short(served)
    with closing(Wire(served.url)) as wire:
        wire.socket.sendall(sent)
        assert wire.answer().status in {200, 422}
        assert short(served) == before
        ordinary = Wire(served.url)
        ordinary.send({"rooms": 1})
        assert ordinary.answer().status == 200
        ordinary.close()
    assert short(served) == before + 1


def test_sixty_four_rows_still_go_the_short_way(served: Served, wires: list[Wire]) -> None:
    before = short(served)
    wires[0].send(*[{"rooms": i} for i in range(64)])
    assert scores(wires[0].answer()) == [i / 1000 for i in range(64)]
    assert short(served) == before + 1


def test_a_connection_that_was_answered_and_says_nothing_more_is_closed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_IDLE_SECONDS", 0.5)
    with shop.serve() as served:
        make_known(served)
        before = short(served)
        with closing(Wire(served.url)) as wire:
            wire.send({"rooms": 1})
            assert wire.answer().status == 200
            assert short(served) == before + 1
            assert wire.is_closed()


def test_a_key_and_its_rate_count_on_the_short_way_too(shop: Shop) -> None:
    keys = key_file(shop.settings)
    fast = keys.create(KeyTerms(name="crm", role=Role.SCORE))[1]
    slow = keys.create(KeyTerms(name="slow", role=Role.SCORE, rate=0.01, burst=5))[1]
    with shop.serve() as served, closing(Wire(served.url)) as wire:
        for _ in range(3):
            wire.send({"rooms": 1}, x_api_key=fast)
            assert wire.answer().status == 200
        before = short(served)
        wire.send({"rooms": 1}, {"rooms": 2}, authorization=f"Bearer {slow}")
        assert wire.answer().status == 200
        wire.send(*[{"rooms": 1}] * 3, x_api_key=slow)
        assert wire.answer().status == 200
        assert short(served) == before + 2
        wire.send({"rooms": 1}, x_api_key=slow)
        refused = wire.answer()
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) >= 1
        for nobody in ({}, {"x_api_key": "nonsense"}, {"x_api_key": fast[:-1] + "x"}):
            wire.send({"rooms": 1}, **nobody)
            assert wire.answer().status == 401
        assert short(served) == before + 2
        wire.send({"rooms": 1}, x_api_key=fast)
        assert wire.answer().status == 200


@dataclass
class Asker:
    """A connection that only listens."""

    answers: list[dict[str, object]] = field(default_factory=list)
    handed_over: int = 0

    key_name: str = ""
    waits: bool = False

    def answer(self, head: bytes, body: bytes) -> str:
        assert head.startswith(b"HTTP/1.1 200")
        self.answers.append(json.loads(body))
        return "request"

    def wait(self) -> None:
        self.waits = True

    def charge(self, rows: int) -> bool:
        return rows > 0

    def hand_over(self) -> None:
        self.handed_over += 1


def test_what_was_taken_before_a_swap_is_answered_by_the_version_before(shop: Shop) -> None:
    for version in ("1", "2"):
        shop.train(version)
    shop.promote("1")
    body = json.dumps({"rows": [ROW]}).encode()
    loop = asyncio.new_event_loop()  # never runs: nothing is answered unless it has to be
    with shop.serve() as served:
        served.wait_for_version("1")
        process = served.process
        way = Way("sale", process, Reply(process.metrics, process.versions_of), loop)
        served.predict(), served.predict()
        before, after = Asker(), Asker()
        assert way.take(before, body) == 1
        shop.promote("2")
        served.wait_for_version("2")
        served.predict(), served.predict()
        assert before.answers == []
        assert way.take(after, body) == 1
        way.flush()
    loop.close()
    for asker, version in ((before, "1"), (after, "2")):
        ((answer,), handed_over) = asker.answers, asker.handed_over
        assert (answer["version"], handed_over) == (version, 0)
        predictions: Any = answer["predictions"]
        assert predictions[0]["score"] == pytest.approx(score_of(version), abs=1e-6)
