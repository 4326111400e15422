"""Which reports stay, and the page over them."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.watch_passes import WatchFinding, WatchPass, save_pass
from infra.cli import reports
from monitoring.kept_reports import remove_old_reports
from monitoring.reports_page import keep_reports, page_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MADE = WatchPass(
    pass_id=str(uuid.uuid4()),
    model="churn",
    version="3",
    decision="drift",
    findings=(WatchFinding("MON201", "budget_usd", 0.4, 0.2, "`budget_usd` moved <by> 0.4"),),
    rows=500,
    window_from=NOON,
    window_to=NOON,
    report=None,
    request_id=None,
    at=NOON,
)


def report(folder: Path, day: int, *, hours_old: float = 2.0) -> Path:
    made = folder / f"202603{day:02}T120000000000Z"
    made.mkdir(parents=True)
    (made / "report.html").write_text("<html></html>")
    past = time.time() - 3600 * hours_old
    for path in (made / "report.html", made):
        os.utime(path, (past, past))
    return made


def test_the_newest_stay(tmp_path: Path) -> None:
    made = [report(tmp_path, day) for day in range(1, 6)]
    (tmp_path / "notes").mkdir()
    assert remove_old_reports(tmp_path, keep=2) == made[:3]
    assert {path.name for path in tmp_path.iterdir()} == {made[3].name, made[4].name, "notes"}


def test_one_that_may_be_being_written_stays(tmp_path: Path) -> None:
    fresh = report(tmp_path, 1, hours_old=0.5)
    report(tmp_path, 2)
    assert remove_old_reports(tmp_path, keep=1) == []
    assert fresh.is_dir()


def test_what_a_killed_removal_left_goes_and_a_link_is_not_followed(tmp_path: Path) -> None:
    left = tmp_path / "reports" / ".removed-20260301T120000000000Z"
    left.mkdir(parents=True)
    elsewhere = report(tmp_path / "elsewhere", 1)
    (tmp_path / "reports" / "20260201T120000000000Z").symlink_to(elsewhere)
    report(tmp_path / "reports", 2)
    assert remove_old_reports(tmp_path / "reports", keep=1) == []
    assert not left.exists()
    assert elsewhere.is_dir()


def test_a_folder_that_is_not_there_has_nothing_to_remove(tmp_path: Path) -> None:
    assert remove_old_reports(tmp_path / "none", keep=3) == []


def test_the_page_links_what_is_kept_and_escapes_what_was_found(tmp_path: Path) -> None:
    kept = replace(MADE, report=str(report(tmp_path, 2)))
    gone = replace(MADE, report=str(tmp_path / "20260101T120000000000Z"), decision="moved")
    page = page_of("churn", [kept, gone], tmp_path)
    assert page.count('href="20260302T120000000000Z/report.html"') == 2  # in the strip and in its row
    assert "20260101T" not in page
    assert "moved, costs nothing" in page
    assert "moved &lt;by&gt; 0.4" in page


def test_every_decision_has_words_and_a_colour(tmp_path: Path) -> None:
    from typing import get_args

    from estate.store.watch_passes import Decision

    for decision in get_args(Decision):
        page = page_of("churn", [replace(MADE, decision=decision)], tmp_path)
        assert f".{decision} {{" in page or f".{decision}, " in page, decision


@pytest.fixture
def home(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home whose database holds one pass with a kept report."""
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    with database.begin() as connection:
        save_pass(connection, replace(MADE, report=str(report(tmp_path / "reports" / "churn", 2))))
    return tmp_path


def test_the_page_is_written_whole(home: Path, database: Database) -> None:
    settings = Settings(_env_file=None, home=home, reports_kept=1)
    page = keep_reports(settings, database, "churn")
    assert page == home / "reports" / "churn" / "index.html"
    assert "MON201" in page.read_text()
    assert [path.name for path in page.parent.iterdir() if path.name.startswith(".")] == []


def test_the_command_lists_passes_and_their_reports(home: Path) -> None:
    app = typer.Typer()
    reports.register(app)
    shown = CliRunner().invoke(app, ["churn"])
    assert shown.exit_code == 0, shown.output
    assert "MON201 budget_usd" in shown.output
    assert "report.html" in shown.output
    assert '"decision": "drift"' in CliRunner().invoke(app, ["churn", "--json"]).output
