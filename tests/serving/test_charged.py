"""Every protocol takes its rows from the caller's rate; a table is slowed down to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pyarrow as pa
import pytest
from pyarrow import ipc

from tests.serving.shop import Served, Shop

BURST = 100
ARROW = "application/vnd.apache.arrow.stream"


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    """Return a process with a rate of a hundred rows a second, whose models answer by their rules."""
    limited = shop.settings.model_copy(update={"serving_rate": float(BURST)})
    with replace(shop, settings=limited).serve() as running:
        yield running


def answers(served: Served, rows: int) -> dict[str, httpx.Response]:
    columns: Any = {
        "rooms": [1] * rows,
        "price_usd": [1.0] * rows,
        "area": ["x"] * rows,
        "case_id": [None] * rows,
    }
    kinds = {"rooms": "INT64", "price_usd": "FP64", "area": "BYTES"}
    tensors = [{"name": n, "shape": [rows], "datatype": k, "data": columns[n]} for n, k in kinds.items()]
    post = served.client.post
    return {
        "v1": served.predict(*pa.table(columns).to_pylist()),
        "v2": post("/v2/models/sale/infer", json={"inputs": tensors}),
        "mlflow": post("/models/sale/invocations", json={"inputs": columns}),
    }


def test_a_request_of_more_rows_than_the_burst_is_413(served: Served) -> None:
    for name, answer in answers(served, BURST + 1).items():
        assert answer.status_code == 413, name
        assert "at most 100 rows at once" in answer.json()["detail"]


def test_one_request_uses_up_what_the_next_one_would_need(served: Served) -> None:
    statuses = [answer.status_code for _ in range(3) for answer in answers(served, BURST - 20).values()]
    assert statuses.count(200) >= 1
    assert statuses.count(429) >= 3


def test_a_table_of_more_rows_than_the_burst_is_slowed_down(served: Served) -> None:
    rows = BURST * 2 + 50
    table = pa.table({"rooms": [1] * rows, "price_usd": [1.0] * rows, "area": ["x"] * rows})
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    answer = served.client.post(
        "/v1/models/sale/predict", content=sink.getvalue(), headers={"content-type": ARROW}
    )
    assert answer.status_code == 200, answer.text
    assert ipc.open_stream(answer.content).read_all().num_rows == rows
