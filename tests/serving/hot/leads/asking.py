"""How leads are asked on a wire, and what the right answers are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from estate.store.predictions import read_recent
from tests.serving.hot.lead_shop import READING, budget_of, score_of
from tests.serving.hot.wire import Answer, Wire, with_body
from tests.serving.shop import Served, Shop

HELD = "lead-63"
GET = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"


def warm(served: Served, version: str) -> None:
    """Have a version in service, and its speed known."""
    served.wait_for_version(version, "buy")
    for _ in range(2):
        served.client.post("/v1/models/buy/predict", json={"lead_ids": ["lead-0"]}).raise_for_status()
    READING.calls.clear()


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
