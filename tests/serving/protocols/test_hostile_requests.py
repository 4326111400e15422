"""Requests that no client should send: an answer in order, a problem, and right scores afterwards."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from tests.serving.shop import Served

JSON = "application/json"
SPLIT = {"dataframe_split": {"columns": ["rooms", "area"], "data": [[3, "north"]]}}
TENSORS = {
    "inputs": [
        {"name": "rooms", "shape": [1], "datatype": "FP64", "data": [3]},
        {"name": "area", "shape": [1], "datatype": "BYTES", "data": ["north"]},
    ]
}
ROWS = {"rows": [{"rooms": 3, "area": "north"}]}
GOOD = {
    "/v1/models/area/predict": ROWS,
    "/v2/models/area/infer": TENSORS,
    "/v2/models/area/versions/rules/infer": TENSORS,
    "/models/area/invocations": SPLIT,
    "/invocations": SPLIT,
}


def bodies(good: object) -> dict[str, bytes]:
    """Return what could be sent instead of a good body."""
    text = json.dumps(good)
    made = {
        "nothing": b"",
        "half of it": text[: len(text) // 2].encode(),
        "a NUL": b"\0",
        "a word": b"hello",
        "null": b"null",
        "a number": b"-0",
        "a list": b"[]",
        "an empty object": b"{}",
        "a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "latin-1": text.replace("north", "n\xf6rth").encode("latin-1"),
        "packed": gzip.compress(text.encode()),
        "two documents": text.encode() * 2,
        "deep lists": b"[" * 100_000 + b"]" * 100_000,
        "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "10,000 names": json.dumps({f"c{i}": i for i in range(10_000)}).encode(),
        "a long name": json.dumps({"x" * 1_000_000: 1}).encode(),
        "noise": bytes(range(256)) * 20,
    }
    odd = [
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "9" * 9000,
        '"3"',
        "[]",
        "{}",
        '"\\ud800"',
        '"\\u0000"',
    ]
    odd += [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "- 1",
        "01",
        "1" + "0" * 400,
    ]
    made |= {f"{value[:12]} for a number": text.replace("3", value).encode() for value in odd}
    texts = ['"\\ud800"', '"\\u0000"', "[]", "{}", f'"{"x" * 100_000}"', "9" * 9000, "1e400", "NaNaN"]
    made |= {f"{value[:12]} for a text": text.replace('"north"', value).encode() for value in texts}
    for key in [word.strip('"') for word in re.findall(r'"\w+"(?=:)', text)]:
        for value in (
            "null",
            "1e400",
            '"x"',
            "{}",
            "[[]]",
            "[null]",
            "-1",
            '[{"a": 1}]',
            "[18446744073709551616]",
        ):
            made[f"{key}: {value}"] = re.sub(f'"{key}": [^,}}]+', f'"{key}": {value}', text, count=1).encode()
    return made


def check(response: httpx.Response, name: str) -> None:
    assert response.status_code < 500, (name, response.text[:300])
    if response.status_code != 200:
        assert response.status_code >= 400, name
        assert response.headers["content-type"] == "application/problem+json", name
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["detail"], name
        assert len(response.content) < 5_000, name


def check_alive(served: Served) -> None:
    for path, good in GOOD.items():
        answer = served.client.post(path, json=good, headers={"x-model": "area"})
        assert "0.103" in answer.text, (path, answer.text)


@pytest.mark.parametrize("path", GOOD)
def test_no_body_is_answered_with_a_fault_of_ours(served: Served, path: str) -> None:
    refused = 0
    for name, body in bodies(GOOD[path]).items():
        response = served.client.post(path, content=body, headers={"content-type": JSON, "x-model": "area"})
        check(response, name)
        refused += response.status_code != 200
    assert refused > 60
    check_alive(served)


@pytest.mark.parametrize("path", GOOD)
def test_no_head_is_answered_with_a_fault_of_ours(served: Served, path: str) -> None:
    body = json.dumps(GOOD[path]).encode()
    types = [
        "",
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json; charset=ebcdic",
    ]
    types += [
        "application/vnd.apache.arrow.stream",
        "application/vnd.apache.parquet",
        "application/vnd.apache.x",
        "\xff",
    ]
    for kind in types:
        check(post(served, path, body, {"content-type": kind.encode("latin-1")}), kind)
    for coding in ("gzip", "br", "deflate", "x"):
        packed = post(served, path, gzip.compress(body), {"content-encoding": coding.encode()})
        assert packed.status_code == 415
    for name, value in {
        "x-timeout-ms": "-1",
        "x-timeout-ms ": "1e9",
        "x-priority": "\xff",
        "x-model": "\xff" * 100,
        "accept": "x" * 10_000,
        "inference-header-content-length": "99999999999999999999",
        "x-request-id": "x" * 10_000,
        "authorization": "Bearer \xff",
        "host": "",
        "cookie": "a=b;" * 3_000,
    }.items():
        check(post(served, path, body, {name.strip(): value.encode("latin-1")}), name)
    check_alive(served)


def post(served: Served, path: str, body: bytes, headers: dict[str, bytes]) -> httpx.Response:
    given = {b"content-type": JSON.encode(), b"x-model": b"area"}
    given |= {name.encode(): value for name, value in headers.items()}
    return served.client.post(path, content=body, headers=list(given.items()))


def test_too_much_is_413_however_long_it_says_it_is(served: Served) -> None:
    large = b'{"rows": "' + b"x" * (8 << 20) + b'"}'
    for path in GOOD:
        assert post(served, path, large, {}).status_code == 413
        parts = (large[at : at + 65_536] for at in range(0, len(large), 65_536))
        headers = {"content-type": JSON, "x-model": "area"}
        assert served.client.post(path, content=parts, headers=headers).status_code == 413
    check_alive(served)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_another_method_is_405(served: Served, method: str) -> None:
    for path in GOOD:
        response = served.client.request(method, path)
        if method == "BREW":  # no method of HTTP: what is not understood at all
            assert response.status_code in {400, 405}
            continue
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert response.headers["content-type"] == "application/problem+json"


def test_odd_addresses_are_404(served: Served) -> None:
    for name in (
        "%00",
        "%ff",
        "..%2farea",
        "a%2Fb",
        "%C3%A9",
        "area%20",
        "AREA",
        "x" * 20_000,
        "%",
        "%zz",
        "a;b",
    ):
        for path, good in GOOD.items():
            if "area" in path:
                response = served.client.post(path.replace("area", name), json=good)
                assert response.status_code == 404, (name, path)
                check(response, name)
    assert served.client.post("/v1/models/%61rea/predict", json=ROWS).status_code == 200
    assert served.client.post("/v1/models/area/predict?" + "x=1&" * 2_000, json=ROWS).status_code == 200


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        yield connection


def talk(served: Served, sent: bytes, *, half_close: bool = True) -> bytes:
    """Send bytes, then read until the other side closes or has nothing more to say."""
    with connected(served) as connection:
        connection.sendall(sent)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    got = b""
    while part := connection.recv(65_536):
        got += part
    return got


def request(
    body: bytes | None = None, *, more: str = "", path: str = "/v1/models/area/predict", http: str = "1.1"
) -> bytes:
    body = json.dumps(ROWS).encode() if body is None else body
    about = f"host: x\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\n{more}"
    return f"POST {path} HTTP/{http}\r\n{about}\r\n".encode() + body


LAST = "connection: close\r\n"


def rooms(count: int, **known: str) -> bytes:
    return request(json.dumps({"rows": [{"rooms": count, "area": "north"}]}).encode(), **known)


def test_requests_in_one_packet_are_answered_in_order_whichever_way_they_go(served: Served) -> None:
    check_alive(served)
    usual = "x-priority: interactive\r\n"
    ways = ["", usual, "", "", usual, usual, "", usual, ""]
    sent = b"".join(rooms(i, more=way) for i, way in enumerate(ways))
    broken = request(b"{") + request(b'{"rows": [{"rooms": "x", "area": 1}]}')
    live = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
    got = talk(served, sent + broken + live + rooms(100, more=LAST), half_close=False)
    scores = [float(found) for found in re.findall(rb'"score":([0-9.]+)', got)]
    assert scores == pytest.approx([0.1 + i / 1000 for i in range(len(ways))] + [0.2])
    statuses = re.findall(rb"HTTP/1.1 (\d+)", got)
    assert statuses == [b"200"] * len(ways) + [b"400", b"422", b"200", b"200"]


def test_a_request_in_single_bytes_is_answered(served: Served) -> None:
    with connected(served) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in rooms(3, more=LAST):
            connection.sendall(bytes([byte]))
        assert b'"score":0.103' in read_all(connection)


def test_a_chunked_body_is_answered(served: Served) -> None:
    body = json.dumps(ROWS).encode()
    about = f"host: x\r\ncontent-type: {JSON}\r\ntransfer-encoding: chunked\r\n{LAST}"
    head = f"POST /v1/models/area/predict HTTP/1.1\r\n{about}\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    assert b'"score":0.103' in talk(served, head.encode() + chunks, half_close=False)
    got = talk(served, head.encode() + b"zz\r\n" + body, half_close=False)
    assert got.startswith(b"HTTP/1.1 400")


def test_http_1_0_and_expect_are_understood(served: Served) -> None:
    old = talk(served, request(http="1.0"), half_close=False)
    assert b'"score":0.103' in old
    with connected(served) as connection:
        whole = request(more=f"expect: 100-continue\r\n{LAST}")
        head, _, body = whole.partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert b'"score":0.103' in read_all(connection)


TO = b"POST /v1/models/area/predict HTTP/1.1\r\nhost: x\r\n"
NO_HTTP = {
    "noise": bytes(range(256)) + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    "no method": b"/v1/models HTTP/1.1\r\n\r\n",
    "two lengths": TO + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    "a negative length": TO + b"content-length: -1\r\n\r\n",
    "a huge length": TO + b"content-length: " + b"9" * 40 + b"\r\n\r\n",
    "length and chunks": TO + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nhost: x\r\n y\r\n\r\n",
    "an address in UTF-8": "POST /v1/models/é/predict HTTP/1.1\r\nhost: x\r\n\r\n".encode(),
    "HTTP/9.9": b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_gets_a_problem_and_is_closed(served: Served, name: str) -> None:
    got = talk(served, NO_HTTP[name], half_close=False)
    head, _, body = got.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1.1 4\d\d ", head), got[:200]
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == int(head[9:12])


def test_half_a_request_then_nothing_leaves_the_process_alive(served: Served) -> None:
    whole = request()
    with connected(served) as silent, connected(served) as gone:
        silent.sendall(whole[: len(whole) - 5])
        gone.sendall(whole[:40])
        gone.close()
        check_alive(served)
    for size in (10, 100, len(whole) - 1):
        talk(served, whole[:size])
    check_alive(served)
