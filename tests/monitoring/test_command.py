"""``leadloop watch`` for a person and for a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from estate.core.clock import now
from estate.core.errors import SpecError
from estate.core.prediction import NO_VERSION
from estate.store.database import Database
from estate.store.watch_passes import WatchFinding, WatchPass
from infra.cli.watch import register, show

MODEL = "lead_conversion"
Invoke = Callable[..., Result]


@pytest.fixture
def invoke(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path))
    monkeypatch.setenv("LEADLOOP_MODELS", str(tmp_path / "models"))
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return lambda *words: CliRunner().invoke(app, ["watch", *words])


def test_json_is_one_object(invoke: Invoke) -> None:
    result = invoke(MODEL, "--json")
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert (made["model"], made["version"], made["decision"]) == (MODEL, NO_VERSION, "too_few")
    assert made["findings"][0]["code"] == "MON108"


def test_an_unknown_model_is_named(invoke: Invoke) -> None:
    assert isinstance(invoke("leed_conversion").exception, SpecError)


def test_wrong_usage_exits_2(invoke: Invoke) -> None:
    assert invoke(MODEL, "--window", "0").exit_code == 2


def test_a_person_sees_findings_decision_request_and_report(capsys: pytest.CaptureFixture[str]) -> None:
    made = WatchPass(
        pass_id="p",
        model=MODEL,
        version="3",
        decision="drift",
        findings=(WatchFinding("MON201", "budget_usd", 0.4123, 0.2, "`budget_usd` moved"),),
        rows=500,
        window_from=now() - timedelta(days=1),
        window_to=now(),
        report="/home/reports/one",
        request_id="r-1",
        at=now(),
    )
    show(made)
    shown = capsys.readouterr().out
    for part in (
        "version 3: 500 predictions",
        "MON201",
        "0.4123",
        "decision: drift",
        "request: r-1",
        "report.html",
    ):
        assert part in shown
