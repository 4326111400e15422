"""A crowd that comes at once is let in at once."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import uvicorn
import uvloop

from serving import listening
from serving.listening import Listening
from serving.sockets import shared_address

CLIENTS = 50
TURNS = 10


async def _app(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nobody asks")


async def _let_in() -> int:
    """Connect a crowd, and say how many of it are connections after a few turns of the loop."""
    config = uvicorn.Config(_app, lifespan="off", log_config=None)
    config.load()
    server = Listening(config)
    server.lifespan = config.lifespan_class(config)
    address = shared_address("127.0.0.1", 0)
    await server.startup(sockets=[address])
    crowd = [socket.create_connection(address.getsockname()) for _ in range(CLIENTS)]
    for _ in range(TURNS):
        await asyncio.sleep(0)
    found = len(server.server_state.connections)
    for client in crowd:
        client.close()
    await server.shutdown(sockets=[address])
    return found


def test_all_that_wait_are_accepted_within_a_few_turns() -> None:
    assert uvloop.run(_let_in()) == CLIENTS


def test_one_a_turn_would_leave_most_of_them_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_AT_ONCE", 1)
    assert uvloop.run(_let_in()) < CLIENTS
