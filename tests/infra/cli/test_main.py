from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = (
    "pandas",
    "numpy",
    "mlflow",
    "prefect",
    "sqlalchemy",
    "pydantic",
    "evidently",
    "xgboost",
    "sklearn",
    "rich.console",
)


def leadloop(*arguments: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LEADLOOP_")}
    return subprocess.run(
        [sys.executable, "-m", "infra.cli.main", *arguments],
        env={**environment, "LEADLOOP_HOME": str(home), "PYTHONPATH": str(ROOT), **variables},
        cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_list_of_commands_needs_nothing_heavy() -> None:
    code = "import sys, json, infra.cli.main; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(json.loads(ran.stdout))


@pytest.mark.parametrize("arguments", [["up", "--colour"], ["unknown"], ["status", "extra"]])
def test_wrong_usage_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    assert leadloop(*arguments, home=tmp_path).returncode == 2


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    ran = leadloop("status", home=tmp_path, LEADLOOP_MLFLOW_PORT="many")
    assert ran.returncode == 1
    assert ran.stderr.startswith("leadloop: setting LEADLOOP_MLFLOW_PORT: expected")
    assert ran.stderr.count("\n") == 1


def test_a_wrong_database_is_one_sentence_without_a_trace(tmp_path: Path) -> None:
    ran = leadloop("up", "--detach", home=tmp_path, LEADLOOP_DATABASE_URL="mysql://desk:hunter2@db/leadloop")
    assert ran.returncode == 1
    assert (
        "database address: expected postgresql://user:password@host:port/name, got the scheme 'mysql'"
        in ran.stderr
    )
    assert "Traceback" not in ran.stderr
    assert "hunter2" not in ran.stderr


def test_a_database_that_does_not_answer_is_named_with_the_log(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"postgresql://desk:hunter2@127.0.0.1:{port}/leadloop"
    ran = leadloop("up", "--detach", home=tmp_path, LEADLOOP_DATABASE_URL=url)
    assert ran.returncode == 1
    assert "part `databases` of the stack: expected ready, got ended with exit code 1" in ran.stderr
    assert f"Its log is {tmp_path / 'logs' / 'databases.log'}" in ran.stderr
    assert f"database 127.0.0.1:{port}/leadloop: expected a Postgres that lets us in" in ran.stderr
    assert "hunter2" not in ran.stderr + (tmp_path / "status.json").read_text()


def test_status_of_nothing_says_how_to_start(tmp_path: Path) -> None:
    ran = leadloop("status", home=tmp_path)
    assert ran.returncode == 1
    assert ran.stdout.splitlines() == [f"stack in {tmp_path}: down", "`leadloop up` starts it."]
    assert json.loads(leadloop("status", "--json", home=tmp_path).stdout)["state"] == "down"


def test_down_of_nothing_is_no_error(tmp_path: Path) -> None:
    ran = leadloop("down", home=tmp_path)
    assert ran.returncode == 0
    assert ran.stdout == f"No stack is running in {tmp_path}.\n"


def test_the_doctor_says_what_to_do(tmp_path: Path) -> None:
    ran = leadloop("doctor", "--json", home=tmp_path)
    assert ran.returncode == 1
    checks = {check["check"]: check for check in json.loads(ran.stdout)["checks"]}
    assert checks["python"]["ok"]
    assert checks["packages"]["ok"], checks["packages"]["found"]
    assert not checks["database"]["ok"]
    assert "Run `leadloop up`" in checks["database"]["found"]
