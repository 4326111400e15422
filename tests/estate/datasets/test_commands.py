"""The commands ``import`` and ``simulate``, as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from estate.core.errors import LeadloopError
from estate.datasets.contracts import CONTRACTS
from estate.store.database import Database
from estate.store.facts import count_facts
from infra.cli import data

_PROGRAM = """
import sys
import typer
from estate.core.errors import LeadloopError
from infra.cli import data
app = typer.Typer()
data.register(app)
try:
    app()
except LeadloopError as error:
    print(f"leadloop: {error}", file=sys.stderr)
    sys.exit(1)
"""


def _run(database: Database, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LEADLOOP_HOME": str(home), "LEADLOOP_DATABASE_URL": database.url}
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words], env=environment, capture_output=True, text=True, check=False
    )


def _run_here(database: Database, home: Path, *words: str) -> Result:
    """Run the command in this process: what a process of its own adds was seen by `_run`."""
    app = typer.Typer()
    data.register(app)
    environment = {"LEADLOOP_HOME": str(home), "LEADLOOP_DATABASE_URL": database.url}
    return CliRunner().invoke(app, words, env=environment)


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text("lead_id,event_at,colour\nL1,2026-01-05,red\nL2,soon,red\n")
    return path


def test_import_says_what_came_of_it_and_the_second_time_that_nothing_did(
    database: Database, tmp_path: Path, leads: Path
) -> None:
    first = _run(database, tmp_path, "import", "leads", str(leads))
    assert first.returncode == 0, first.stderr
    assert "leads from export.csv: 2 rows, 1 new, 0 known, 1 refused." in first.stdout
    assert f"Refused rows and reasons: {tmp_path}/quarantine/" in first.stdout
    assert "Columns that are not used: colour" in first.stdout
    assert "2 rows, 1 refused" in first.stderr
    again = _run_here(database, tmp_path, "import", "leads", str(leads))
    assert again.stdout == "export.csv was imported before: 2 rows, nothing new.\n"
    as_json = json.loads(_run_here(database, tmp_path, "import", "leads", str(leads), "--json").stdout)
    assert (as_json["finished_before"], as_json["rows_refused"]) == (True, 1)


def test_a_users_mistake_is_one_sentence(database: Database, tmp_path: Path, leads: Path) -> None:
    wrong = _run(database, tmp_path, "import", "messages", str(leads))
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert (
        wrong.stderr.strip()
        .splitlines()[-1]
        .startswith("leadloop: file export.csv: expected column message_id")
    )
    assert "Traceback" not in wrong.stderr
    sideways = _run_here(database, tmp_path, "simulate", "--drift", "sideways")
    assert isinstance(sideways.exception, LeadloopError)
    assert _run_here(database, tmp_path, "simulate", "--days", "many").exit_code == 2


def test_simulate_brings_a_world_and_goes_on_with_it(database: Database, tmp_path: Path) -> None:
    options = ["simulate", "--seed", "3", "--leads-per-day", "5", "--start", "2026-03-02", "--json"]
    first = _run_here(database, tmp_path, *options, "--days", "20")
    assert first.exit_code == 0, first.output
    before = count_facts(database, "leads")
    drift = ["--drift", "sudden", "--drift-day", "20"]
    went_on = _run_here(database, tmp_path, *options, "--days", "30", "--from-day", "20", *drift)
    second = json.loads(went_on.stdout)
    assert Path(second["truth"]).is_file()
    assert [report["rows_refused"] for report in second["reports"]] == [0] * len(CONTRACTS)
    assert count_facts(database, "leads") > before > 50
