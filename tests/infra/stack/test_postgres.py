from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from estate.core.errors import StoreError
from infra.stack import postgres
from infra.stack.child import NOBODY
from infra.stack.databases import create_database, create_trigrams, mend_stage_moves

CHILD = Path(postgres.__file__).parent / "child.py"


@contextmanager
def running(home: Path, port: int) -> Iterator[str]:
    postgres.make_data_folder(home)
    wrapper = [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), "9", "unprivileged"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [*wrapper, *postgres.server_command(home, "127.0.0.1", port)], stdout=log, stderr=log
        )
    try:
        url = f"postgresql://{postgres.USER}:{postgres.password(home)}@127.0.0.1:{port}"
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(f"{url}/postgres").close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (home / "log").read_text()
                time.sleep(0.05)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(tmp_path_factory.mktemp("home"), port) as url:
        yield url


def test_nobody_gets_in_without_the_password(server: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{server}/postgres", password="guess")


def test_a_database_is_created_once_with_trigrams(server: str) -> None:
    assert create_database(f"{server}/made")
    assert not create_database(f"{server}/made")
    create_trigrams(f"{server}/made")
    with psycopg.connect(f"{server}/made") as connection:
        assert connection.execute("SELECT similarity('lead', 'lead')").fetchone() == (1.0,)


def test_a_number_can_be_compared_with_a_text_where_mlflow_needs_it(server: str) -> None:
    create_database(f"{server}/mended")
    assert mend_stage_moves(f"{server}/mended")
    assert mend_stage_moves(f"{server}/mended")
    with psycopg.connect(f"{server}/mended") as connection:
        found = connection.execute("SELECT 2 <> '2'::varchar, 2 <> '10'::varchar, 2 <> '2'").fetchone()
        assert found == (False, True, False)
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    address = server.rpartition("@")[2]
    assert not mend_stage_moves(f"postgresql://guest:guest@{address}/mended")


def test_a_refusing_server_is_named_without_its_password(server: str) -> None:
    address = server.rpartition("@")[2]
    with pytest.raises(
        StoreError, match=f"database {address}/made: expected a Postgres that lets us in"
    ) as caught:
        create_database(f"postgresql://leadloop:wrong-secret@{address}/made")
    assert "wrong-secret" not in str(caught.value)


def test_the_password_and_the_data_are_private(tmp_path: Path) -> None:
    assert len(postgres.password(tmp_path)) >= 32
    assert postgres.password(tmp_path) == postgres.password(tmp_path)
    assert (tmp_path / "secrets" / "postgres").stat().st_mode & 0o777 == 0o600


def test_a_half_made_data_folder_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18")
    assert postgres.make_data_folder(tmp_path)
    assert not postgres.make_data_folder(tmp_path)
    assert postgres.data_folder(tmp_path).stat().st_mode & 0o777 == 0o700


def test_the_pid_file_of_a_dead_server_whose_number_is_used_again_is_removed(tmp_path: Path) -> None:
    postgres.make_data_folder(tmp_path)
    pid_file = postgres.data_folder(tmp_path) / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    postgres.make_data_folder(tmp_path)
    assert not pid_file.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by Postgres")
def test_root_leaves_its_rights_without_changing_owners() -> None:
    code = "import os; print(os.geteuid())"
    wrapper = [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), "9", "unprivileged"]
    said = subprocess.run([*wrapper, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(NOBODY)
