"""Tables as Arrow streams and Parquet, of any length."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

from estate.store.predictions import read_recent
from tests.serving.shop import Served, Shop, wait_for

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
TABLE = pa.table(
    {
        "rooms": pa.array([3, None, 5], pa.int32()),
        "case_id": pa.array(["a", None, "c"]),
        "note": [[1], [], None],
        "area": pa.array(["north", "unknown", "west"]),
    }
)


def stream_of(table: Any, rows: int | None = None, **options: Any) -> bytes:
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows)
    return sink.getvalue()


def parquet_of(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def post(served: Served, body: Any, kind: str = ARROW, model: str = "area", **headers: str) -> httpx.Response:
    return served.client.post(
        f"/v1/models/{model}/predict", content=body, headers={"content-type": kind, **headers}
    )


def answer_of(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    if response.headers["content-type"] == PARQUET:
        return pq.read_table(io.BytesIO(response.content))
    return ipc.open_stream(response.content).read_all()


def scores(response: httpx.Response) -> list[float]:
    found: list[float] = answer_of(response).column("score").to_pylist()
    return found


KINDS: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "plain": (ARROW, stream_of),
    "batches of one": (ARROW, lambda table: stream_of(table, 1)),
    "zstd": (ARROW, lambda table: stream_of(table, compression="zstd")),
    "lz4": (ARROW, lambda table: stream_of(table, compression="lz4")),
    "parquet": (PARQUET, parquet_of),
    "parquet of small groups": (PARQUET, lambda table: parquet_of(table, row_group_size=1)),
    "parquet, zstd, version 2": (
        PARQUET,
        lambda table: parquet_of(table, compression="zstd", data_page_version="2.0"),
    ),
    "parquet without dictionaries": (PARQUET, lambda table: parquet_of(table, use_dictionary=False)),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_table_is_answered_in_its_own_kind(served: Served, name: str) -> None:
    kind, write = KINDS[name]
    table = TABLE.set_column(0, "rooms", pa.array([3, 4, 5]))
    response = post(served, write(table), kind)
    assert response.headers["content-type"] == kind
    answer = answer_of(response)
    assert answer.column_names == ["id", "score", "label", "version", "source", "entity"]
    assert answer.column("score").to_pylist() == pytest.approx([0.103, 0.304, 0.205])
    assert answer.column("entity").to_pylist() == ["a", None, "c"]
    assert answer.column("version").to_pylist() == ["rules"] * 3
    assert len(set(answer.column("id").to_pylist())) == 3


def test_the_answer_may_be_asked_for_in_the_other_kind(served: Served) -> None:
    good = TABLE.slice(0, 1)
    assert scores(post(served, stream_of(good), accept=PARQUET)) == pytest.approx([0.103])
    assert scores(post(served, parquet_of(good), PARQUET, accept=ARROW)) == pytest.approx([0.103])
    refused = post(served, stream_of(good), accept="application/json")
    assert (refused.status_code, refused.json()["field"]) == (406, "header accept")


def test_values_mean_what_they_mean_in_batch_scoring(served: Served) -> None:
    columns: Any = {
        "rooms": pa.array(["1", " 2", "3e0"]).dictionary_encode(),
        "area": pa.array(["north", None, "unknown"]).dictionary_encode(),
    }
    assert scores(post(served, stream_of(pa.table(columns)))) == pytest.approx([0.101, 0.302, 0.303])
    numbers = pa.table({"rooms": pa.array([True, False]), "area": pa.array([1.0, 2.0], pa.float32())})
    assert scores(post(served, stream_of(numbers))) == pytest.approx([0.201, 0.2])


def test_dictionaries_may_be_replaced_and_added_to_on_the_way(served: Served) -> None:
    for deltas in (True, False):
        sink = io.BytesIO()
        parts: Any = [["north"], ["north", "west"], ["west", None]]
        batches = [
            pa.record_batch({"rooms": [0] * len(part), "area": pa.array(part).dictionary_encode()})
            for part in parts
        ]
        options = ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
        with ipc.new_stream(sink, batches[0].schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
        assert scores(post(served, sink.getvalue())) == [0.1, 0.1, 0.2, 0.2, 0.3]


def test_an_empty_table_has_an_empty_answer(served: Served) -> None:
    assert answer_of(post(served, stream_of(TABLE.slice(0, 0)))).num_rows == 0
    assert answer_of(post(served, parquet_of(TABLE.slice(0, 0)), PARQUET)).num_rows == 0


def test_every_row_is_kept(served: Served, shop: Shop) -> None:
    table = pa.table({"rooms": [9], "price_usd": [1.0], "area": ["north"], "case_id": ["of-arrow"]})
    name = answer_of(post(served, stream_of(table), model="sale")).column("id").to_pylist()[0]

    def kept() -> list[str]:
        with shop.database.begin() as connection:
            return [p.prediction_id for p in read_recent(connection, "sale") if p.entity_id == "of-arrow"]

    wait_for(lambda: kept() == [name])


def test_the_first_rows_are_answered_before_the_last_have_come(served: Served) -> None:
    body = stream_of(TABLE.slice(0, 1).select(["rooms", "area"]), 1)
    address = urlsplit(served.url)
    head = (
        f"POST /v1/models/area/predict HTTP/1.1\r\nhost: x\r\ncontent-type: {ARROW}\r\n"
        "transfer-encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        first = body[:-8]  # without the mark of the end
        connection.sendall(head.encode() + f"{len(first):x}\r\n".encode() + first + b"\r\n")
        got = b""
        while got.count(b"rules") < 2:  # version and source of the first row
            got += connection.recv(65536)
        connection.sendall(b"8\r\n" + body[-8:] + b"\r\n0\r\n\r\n")
        while not got.endswith(b"0\r\n\r\n"):
            got += connection.recv(65536)
    assert got.startswith(b"HTTP/1.1 200")


def test_many_batches_are_answered_in_order_to_a_client_that_reads_only_at_the_end(served: Served) -> None:
    rows = 20_000
    table = pa.table(
        {"rooms": list(range(rows)), "area": ["north"] * rows, "case_id": list(map(str, range(rows)))}
    )
    answer = answer_of(post(served, stream_of(table, 3_000)))
    assert answer.column("entity").to_pylist() == list(map(str, range(rows)))
    assert answer.column("score").to_pylist()[-1] == pytest.approx(0.1 + (rows - 1) / 1000)


def test_an_error_on_the_way_breaks_the_connection_off(served: Served) -> None:
    rows = 3_000
    table = pa.table({"rooms": ["1"] * (rows - 1) + ["many"], "area": ["north"] * rows})
    with pytest.raises(httpx.RemoteProtocolError):
        post(served, stream_of(table))
    with served.client.stream(
        "POST", "/v1/models/area/predict", content=stream_of(table), headers={"content-type": ARROW}
    ) as response:
        got = bytearray()
        with pytest.raises(httpx.RemoteProtocolError):
            got.extend(byte for part in response.iter_raw() for byte in part)
    assert not bytes(got).endswith(b"\xff\xff\xff\xff\0\0\0\0")


def test_a_stream_without_its_end_gets_an_answer_without_one(served: Served) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(served, stream_of(TABLE.slice(0, 1))[:-8])


def broken() -> dict[str, tuple[bytes, int, str]]:
    good = stream_of(TABLE.slice(0, 1))
    far = bytearray(good)
    far[len(good) - 200] ^= 0xFF
    twice = pa.Table.from_arrays([pa.array([1])] * 2 + [pa.array(["x"])], names=["rooms", "rooms", "area"])
    return {
        "nothing": (b"", 400, "its end without the mark"),
        "JSON": (b'{"rows": [1, 2]}', 400, "something else"),
        "zeros": (bytes(100), 400, "something else"),
        "half a head": (good[:40], 400, "in the middle of a message"),
        "a head of two gigabytes": (b"\xff\xff\xff\xff\xff\xff\xff\x7f", 400, "2147483647 bytes"),
        "a negative head": (b"\xff\xff\xff\xff\xff\xff\xff\xff", 400, "-1 bytes"),
        "a head of noise": (b"\xff\xff\xff\xff\x40\0\0\0" + b"\xfe" * 64, 400, "an Arrow stream"),
        "a schema alone": (stream_of(TABLE.slice(0, 0))[:300], 400, "Arrow stream"),
        "a missing column": (stream_of(TABLE.select(["rooms"])), 422, "no area"),
        "a list for a number": (stream_of(pa.table({"rooms": [[1]], "area": ["x"]})), 422, "list"),
        "a column twice": (stream_of(twice), 422, "several"),
        "a long text": (stream_of(pa.table({"rooms": [1], "area": ["x" * 1001]})), 422, "1000 characters"),
        "a text for a number": (
            stream_of(pa.table({"rooms": ["many"], "area": ["x"]})),
            422,
            "row 0, column `rooms`",
        ),
        "a huge batch": (
            stream_of(pa.table({"rooms": [1], "area": ["x" * 70_000_000]})),
            413,
            "at most 67108864 bytes",
        ),
        "a bomb": (
            stream_of(pa.table({"rooms": [1], "area": ["x" * 70_000_000]}), compression="zstd"),
            413,
            "at most 67108864 bytes",
        ),
        "many rows of nothing": (
            stream_of(pa.table({"rooms": pa.nulls(2_000_000), "area": pa.nulls(2_000_000)})),
            413,
            "at most 1,000,000",
        ),
        "long texts in a dictionary": (
            stream_of(
                pa.table(
                    {
                        "rooms": [1] * 5000,
                        "area": pa.DictionaryArray.from_arrays([0] * 5000, ["x" * 1_000_000]),
                    }
                )
            ),
            422,
            "one of 1000000 bytes",
        ),
    }


BROKEN = broken()


@pytest.mark.parametrize("name", BROKEN)
def test_a_hostile_stream_is_a_problem(served: Served, name: str) -> None:
    body, status, says = BROKEN[name]
    response = post(served, body)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert says in response.json()["detail"]


@pytest.mark.thorough
def test_a_body_of_any_length_takes_no_more_memory(served: Served) -> None:
    batches, rows = 60, 4_096
    columns = {"rooms": [1] * rows, "area": ["north"] * rows, "note": [os.urandom(2_000).hex()] * rows}
    batch = pa.record_batch(columns)
    seen: list[int] = []

    def parts() -> Iterator[bytes]:
        sink = io.BytesIO()
        with ipc.new_stream(sink, batch.schema) as writer:
            for _ in range(batches):
                writer.write_batch(batch)
                yield sink.getvalue()
                sink.seek(0)
                sink.truncate()
                seen.append(_resident_bytes())
        yield sink.getvalue()

    answer = answer_of(post(served, parts()))
    assert answer.num_rows == batches * rows
    assert batch.nbytes * batches > 900_000_000
    assert max(seen) - seen[batches // 4] < 100_000_000


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.thorough
@pytest.mark.parametrize(("kind", "write"), [(ARROW, stream_of), (PARQUET, parquet_of)])
def test_any_flipped_byte_is_answered_a_problem_or_broken_off(
    served: Served, kind: str, write: Callable[[Any], bytes]
) -> None:
    good = write(TABLE.select(["rooms", "area"]).slice(0, 1))
    for at in range(len(good)):
        body = bytearray(good)
        body[at] ^= 0x81
        with suppress(httpx.RemoteProtocolError):  # after the first batch
            assert post(served, bytes(body), kind).status_code in {200, 400, 413, 422}, at


def hostile_parquet() -> Iterator[tuple[str, bytes, int, str]]:
    good = parquet_of(TABLE)
    yield "nothing", b"", 400, "no footer"
    yield "a stream", stream_of(TABLE), 400, "no footer"
    yield "half of it", good[: len(good) // 2], 400, "no footer"
    yield "a huge footer", b"PAR1" + b"\xff\xff\xff\x7fPAR1", 400, "no footer, or a huge one"
    yield "a missing column", parquet_of(TABLE.select(["rooms"])), 422, "no area"
    big = pa.table({"rooms": [1], "area": ["x" * 70_000_000]})
    yield "a bomb", parquet_of(big, compression="zstd", use_dictionary=False), 413, "67108864 bytes"
    prefixed = {"use_dictionary": False, "column_encoding": {"area": "DELTA_BYTE_ARRAY"}}
    shared = pa.table({"rooms": [1, 2], "area": ["x" * 900] * 2})
    yield "shared prefixes", parquet_of(shared, **prefixed), 422, "DELTA_BYTE_ARRAY"
    long = pa.table({"rooms": [1] * 3000, "area": ["x" * 100_000] * 3000})
    yield "long texts in a dictionary", parquet_of(long), 422, "100000 bytes"


HOSTILE = {name: (body, status, says) for name, body, status, says in hostile_parquet()}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_problem(served: Served, name: str) -> None:
    body, status, says = HOSTILE[name]
    response = post(served, body, PARQUET)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert says in json.dumps(response.json())
