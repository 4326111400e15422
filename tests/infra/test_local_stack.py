"""The whole stack, as a person uses it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from estate.core.settings import Settings
from infra.stack import StackStatus, read_status
from infra.stack.database_urls import libpq
from tests.conftest import owner_url

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.stack


def environment(home: Path, **variables: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LEADLOOP_", "PREFECT_"))}
    ports = {f"LEADLOOP_{part}_PORT": "0" for part in ("MLFLOW", "PREFECT", "SERVING")}
    return {**kept, **ports, "LEADLOOP_HOME": str(home), **variables}


def leadloop(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.cli.main", *arguments]
    return subprocess.run(
        command, env=environment(home), cwd=ROOT, capture_output=True, text=True, check=False
    )


def wait_until(home: Path, condition: Callable[[StackStatus], bool], *, seconds: float = 180) -> StackStatus:
    deadline = time.monotonic() + seconds
    while not condition(status := read_status(home)):
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    return status


def of_home(home: Path) -> dict[int, str]:
    """Processes that mention this home in their arguments or their environment, this one aside."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in text and int(folder.name) != os.getpid():
            found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def assert_nothing_left(home: Path) -> None:
    deadline = time.monotonic() + 15
    while found := of_home(home):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_every_part_is_healthy_and_answers(stack: Settings) -> None:
    status = json.loads(leadloop(stack.home, "status", "--json").stdout)
    assert {part["name"]: part["state"] for part in status["parts"]} == {
        "postgres": "healthy",
        "databases": "done",
        "migrations": "done",
        "mlflow": "healthy",
        "prefect": "healthy",
        "worker": "healthy",
        "deployments": "done",
        "reconciler": "healthy",
        "serving": "healthy",
    }
    assert urllib.request.urlopen(f"{stack.endpoint('mlflow_url')}/version").status == 200
    assert urllib.request.urlopen(f"{stack.endpoint('prefect_url')}/health").status == 200
    assert urllib.request.urlopen(f"{stack.endpoint('serving_url')}/health/live").status == 200


def test_the_doctor_finds_nothing(stack: Settings) -> None:
    ran = leadloop(stack.home, "doctor")
    assert ran.returncode == 0, ran.stdout


def test_a_second_up_says_that_it_is_up_and_where(stack: Settings) -> None:
    ran = leadloop(stack.home, "up", "--detach")
    assert ran.returncode == 0
    assert f"The stack in {stack.home} is up already." in ran.stdout
    assert stack.endpoint("mlflow_url") in ran.stdout


def test_passwords_are_in_private_files_and_in_no_command(stack: Settings) -> None:
    secrets = ("secrets/postgres", "secrets/postgres_parts")
    for name in ("endpoints.json", "status.json", *secrets, "ports.json"):
        assert (stack.home / name).stat().st_mode & 0o077 == 0, name
    for password in ((stack.home / name).read_text() for name in secrets):
        assert not [words for words in of_home(stack.home).values() if password in words]


def test_the_parts_cannot_change_the_ledger_and_its_owner_meets_the_trigger(stack: Settings) -> None:
    with (
        psycopg.connect(libpq(stack.endpoint("database_url"))) as parts,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        parts.execute("DELETE FROM ledger")
    with (
        psycopg.connect(libpq(owner_url(stack))) as owner,
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
    ):
        owner.execute("DELETE FROM ledger")


def test_everything_listens_on_loopback_only(stack: Settings) -> None:
    ports = json.loads((stack.home / "ports.json").read_text())
    assert set(ports) == {"postgres", "mlflow", "prefect", "serving"}
    outside = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    listening = {int(address.split(":")[1], 16): address.split(":")[0] for address in outside}
    assert {listening[port] for _, port in ports.values()} == {"0100007F"}


def test_a_killed_server_is_restarted_and_counted(stack: Settings) -> None:
    before = read_status(stack.home).part("serving")
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    after = wait_until(stack.home, lambda s: s.part("serving").restarts > before.restarts and s.good).part(
        "serving"
    )
    assert after.pid != before.pid
    assert after.last_exit.startswith("SIGKILL")
    assert after.address == before.address


def test_a_killed_postgres_is_restarted_and_the_rest_comes_back(stack: Settings) -> None:
    pid = read_status(stack.home).part("postgres").pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_until(stack.home, lambda s: s.part("postgres").restarts > 0 and s.good)
    deadline = time.monotonic() + 60
    while leadloop(stack.home, "doctor").returncode != 0:
        assert time.monotonic() < deadline, leadloop(stack.home, "doctor").stdout


@contextmanager
def person(home: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A person who has typed ``leadloop up`` and sees it come up."""
    command = [sys.executable, "-m", "infra.cli.main", "up"]
    with (home / "out").open("w") as out:
        typed = subprocess.Popen(
            command, env=variables, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
    try:
        # Not only the stack's own word: the command that waits for it must have heard it.
        wait_until(
            home,
            lambda _: "Ctrl-C stops all of it." in (home / "out").read_text() or typed.poll() is not None,
        )
        assert typed.poll() is None, (home / "out").read_text()
        yield typed
    finally:
        if typed.poll() is None:
            typed.terminate()
        typed.wait(60)


@pytest.mark.thorough
def test_another_database_a_taken_port_kill_9_and_ctrl_c(stack: Settings, tmp_path: Path) -> None:
    """The stack's own Postgres serves as somebody else's server here, with databases of other names."""
    server = libpq(owner_url(stack)).rpartition("/")[0]
    given = {
        "LEADLOOP_DATABASE_URL": f"{server}/other",
        "LEADLOOP_MLFLOW_DATABASE_URL": f"{server}/other_mlflow",
        "LEADLOOP_PREFECT_DATABASE_URL": f"{server}/other_prefect",
    }
    neighbours = {part.name: part.pid for part in read_status(stack.home).parts}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        variables = environment(tmp_path, **given, LEADLOOP_MLFLOW_PORT=str(port))

        with person(tmp_path, variables) as typed:
            status = read_status(tmp_path)
            assert "postgres" not in {part.name for part in status.parts}
            assert not (tmp_path / "postgres").exists()
            assert f"Port {port} is taken by another program: mlflow listens on" in status.notes[0]
            with psycopg.connect(f"{server}/other_prefect") as connection:
                assert connection.execute("SELECT count(*) FROM deployment").fetchone() != (0,)
            assert status.pid
            os.kill(status.pid, signal.SIGKILL)
            assert typed.wait(30) == 1
        assert (
            "supervisor of the stack: expected to run until it is stopped" in (tmp_path / "out").read_text()
        )
        assert_nothing_left(tmp_path)
        assert not (tmp_path / "endpoints.json").exists()

        with person(tmp_path, variables) as typed:
            assert (tmp_path / "logs" / "deployments.log").read_text().endswith("deployed before\n")
            os.kill(typed.pid, signal.SIGINT)
            assert typed.wait(60) == 0
        assert "down after" in (tmp_path / "out").read_text()
        assert_nothing_left(tmp_path)
    # It stopped its own processes and no other: each part of the neighbour is the process that it was.
    assert neighbours == {part.name: part.pid for part in read_status(stack.home).parts}
    assert {pid for pid in neighbours.values() if pid} <= of_home(stack.home).keys()
