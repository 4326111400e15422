"""SIGTERM: what was sent before is answered, and kept."""

from __future__ import annotations

import signal
from contextlib import ExitStack, closing

import pytest

from estate.store.predictions import read_recent
from tests.serving.hot.wire import Wire, request
from tests.serving.shop import ROW, Shop
from tests.serving.test_start import started


@pytest.mark.thorough
def test_sigterm_answers_what_was_sent_and_keeps_it(shop: Shop) -> None:
    with started(shop) as (process, url), ExitStack() as stack:
        wires = [stack.enter_context(closing(Wire(url))) for _ in range(20)]
        for _ in range(2):
            for wire in wires:
                wire.send(ROW, model="sale")
            ids = [wire.answer().json["predictions"][0]["id"] for wire in wires]
        for wire in wires:
            wire.send(ROW, model="sale")
        process.send_signal(signal.SIGTERM)
        ids += [wire.answer().json["predictions"][0]["id"] for wire in wires]
        assert all(wire.is_closed() for wire in wires)
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    with shop.database.begin() as connection:
        kept = [row.prediction_id for row in read_recent(connection, "sale")]
    assert set(ids) <= set(kept)
    assert len(kept) == len(set(kept)) == 60


@pytest.mark.thorough
def test_sigterm_waits_for_the_rest_of_a_body(shop: Shop) -> None:
    whole = request(ROW, model="sale")
    with started(shop) as (process, url), closing(Wire(url)) as wire, closing(Wire(url)) as idle:
        for _ in range(3):
            wire.send(ROW, model="sale")
            assert wire.answer().status == 200
        idle.send(ROW, model="sale")
        assert idle.answer().status == 200
        wire.socket.sendall(whole[:-10])
        wire.socket.settimeout(30)
        idle.send(ROW, model="sale")
        assert idle.answer().status == 200  # by now it has read the half of the other one
        process.send_signal(signal.SIGTERM)
        assert idle.is_closed()  # it is shutting down
        wire.socket.sendall(whole[-10:])
        answer = wire.answer()
        assert answer.status == 200
        assert wire.is_closed()
        process.communicate(timeout=60)
    with shop.database.begin() as connection:
        kept = {row.prediction_id for row in read_recent(connection, "sale")}
    assert answer.json["predictions"][0]["id"] in kept
