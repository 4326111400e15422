"""Slow clients and slow answers end with a status that says so."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving.in_time import InTime
from serving.limits import Limits
from serving.problems import Problem, answer_problem
from serving.slow_clients import HeadDeadline, drop_slow

LIMITS = Limits(seconds=0.4, arrival_seconds=0.4)


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def slow(_request: Request) -> Response:
    await run_in_threadpool(time.sleep, 1.0)
    return PlainTextResponse("late")


async def fails(_request: Request) -> Response:
    raise TimeoutError("of its own")


async def long(_request: Request) -> Response:
    async def parts() -> object:
        for _ in range(8):
            await asyncio.sleep(0.1)
            yield b"part"

    return StreamingResponse(parts())  # type: ignore[arg-type]


class Echo(Response):
    """Answers while it reads, at its leisure."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._request = request

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for part in self._request.stream():
            await asyncio.sleep(0.3)
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})


async def echo(request: Request) -> Response:
    return Echo(request)


@pytest.fixture
def port() -> Iterator[int]:
    routes = [
        Route("/length", length, methods=["POST"]),
        Route("/slow", slow),
        Route("/fails", fails),
        Route("/long", long),
        Route("/echo", echo, methods=["POST"]),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(InTime, limits=LIMITS)],
        exception_handlers={Problem: answer_problem},
    )
    with serving(app) as port:
        yield port


@contextmanager
def serving(app: Starlette) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, http=HeadDeadline, log_config=None))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))

    async def serve() -> None:
        dropping = asyncio.create_task(drop_slow(server.server_state.connections, LIMITS.arrival_seconds))
        await server.serve([listening])
        dropping.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def ask(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts with pauses between them, then read until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        got = b""
        while piece := connection.recv(65536):
            got += piece
        return got


def post(size: int) -> bytes:
    return f"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n".encode()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()


def test_a_body_that_does_not_come_is_408(port: int) -> None:
    got = ask(port, post(10), b"half")
    assert got.startswith(b"HTTP/1.1 408")
    assert json.loads(got.split(b"\r\n\r\n")[1])["detail"].startswith("body: expected all of it within 0.4 s")


def test_a_trickle_is_408_too(port: int) -> None:
    assert ask(port, post(1000), *[b"x"] * 6, pause=0.05).startswith(b"HTTP/1.1 408")


def test_a_body_that_flows_may_take_longer(port: int) -> None:
    pieces = [b"x" * 16_384] * 6
    got = ask(port, post(6 * 16_384), *pieces, pause=0.15)
    assert got.startswith(b"HTTP/1.1 200")
    assert got.endswith(b"98304")


def test_a_connection_that_says_nothing_is_dropped(port: int) -> None:
    assert ask(port).startswith(b"HTTP/1.1 408")


def test_half_a_head_is_dropped(port: int) -> None:
    got = ask(port, b"GET /length HTTP/1.1\r\nhost: x\r\nx-slow: ")
    assert got.startswith(b"HTTP/1.1 408")
    assert json.loads(got.split(b"\r\n\r\n")[1])["field"] == "head"


def test_an_answer_that_takes_too_long_is_504(port: int) -> None:
    got = ask(port, get("/slow"))
    assert got.startswith(b"HTTP/1.1 504")
    assert b"answer: expected one within 0.4 s" in got


def test_an_answer_that_has_begun_may_go_on(port: int) -> None:
    assert ask(port, get("/long")).count(b"part") == 8


def test_an_answer_may_begin_before_its_request_has_ended_and_take_its_time_with_it(port: int) -> None:
    pieces = [b"x" * 100] * 4
    got = ask(port, post(400).replace(b"/length", b"/echo"), *pieces, pause=0.05)
    assert got.startswith(b"HTTP/1.1 200")
    assert got.count(b"x" * 100) == 4
    assert got.endswith(b"0\r\n\r\n")


def test_a_timeout_of_the_endpoints_own_stays_its_own(port: int) -> None:
    assert ask(port, get("/fails")).startswith(b"HTTP/1.1 500")
