"""One process that listens: uvicorn, its loop and its protocol, chosen by measurement."""

from __future__ import annotations

import asyncio
import gc
import sys

import uvicorn

from serving.app import build_app
from serving.hot import Ways, hot_protocol
from serving.hot.idle import close_idle
from serving.listening import Listening
from serving.process import Process
from serving.slow_clients import drop_slow

DRAIN_SECONDS = 10
BACKLOG = 4096
_IDLE_SECONDS = 75
_SWITCH_SECONDS = 0.001  # the loop is not to wait 5 ms for a thread that computes


def make_server(process: Process) -> uvicorn.Server:
    """Return a server of a process's routes; run it with the sockets that it is to listen on.

    SIGTERM and SIGINT end it: requests under way are finished, their answers are kept.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    made: list[Ways] = []
    sweeps: list[asyncio.Task[None]] = []

    def ways() -> Ways:
        if not made:  # the first connection is made in the loop that all others are in
            made.append(Ways(process, asyncio.get_running_loop()))
            gc.freeze()  # what is there now stays: no collection need walk through it while somebody waits
            connections, limits = server.server_state.connections, process.front.limits
            sweeps.append(asyncio.create_task(drop_slow(connections, limits.arrival_seconds)))
            sweeps.append(asyncio.create_task(close_idle(connections, _IDLE_SECONDS)))
        return made[0]

    server = Listening(
        uvicorn.Config(
            build_app(process),
            http=hot_protocol(ways),
            loop="uvloop",
            access_log=False,  # a path holds no case, but a line a request is what metrics are for
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    return server
