"""The commands about versions, on a real ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from estate.core.errors import LeadloopError
from estate.core.evidence import Evidence, Finding, Measure
from estate.store import evidence as evidence_store
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Order
from infra.cli import registry


@pytest.fixture
def app(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
    """Return the commands, on a database with one promoted and one refused version."""
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    evidence = Evidence(
        model="churn",
        training_key="k",
        bundle_digest="b",
        verdict=False,
        findings=(Finding("GATE101", False, "log loss 0.31 is above 0.30."),),
        measures=(Measure("log_loss", 0.31, 0.30, 0.32),),
        baseline=(Measure("log_loss", 0.40, 0.39, 0.41),),
        champion=(),
        champion_version=None,
        slices=(),
        data_fingerprint="d",
        feature_fingerprint="f",
        code_version="c",
        as_of=datetime(2026, 1, 5, tzinfo=UTC),
        rows=1000,
        holdout_rows=200,
        mature_share=0.9,
    )
    with database.begin() as connection:
        evidence_store.save(connection, "churn", "2", evidence)
        ledger.append(
            connection, Order(model="churn", decision="promoted", to_version="1", who="ann", why="[first]")
        )
        ledger.append(
            connection, Order(model="churn", decision="refused", to_version="2", who="bob", why="worse")
        )
    made = typer.Typer()
    registry.register(made)
    return made


def test_history_shows_who_and_why(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["history", "churn"]).stdout
    assert all(text in shown for text in ("promoted", "refused", "ann", "[first]", "worse"))


def test_history_as_json(app: typer.Typer) -> None:
    rows = json.loads(CliRunner().invoke(app, ["history", "churn", "--json"]).stdout)
    assert [(row["decision"], row["from_version"], row["to_version"]) for row in rows] == [
        ("promoted", None, "1"),
        ("refused", "1", "2"),
    ]


def test_explain_shows_rules_and_metrics(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["explain", "churn", "2"]).stdout
    assert "The gate did not pass." in shown
    assert "FAIL  GATE101  log loss 0.31 is above 0.30." in shown
    assert "0.4000 (0.3900 to 0.4100)" in shown


def test_explain_as_json(app: typer.Typer) -> None:
    found = json.loads(CliRunner().invoke(app, ["explain", "churn", "2", "--json"]).stdout)
    assert found["evidence"]["rows"] == 1000
    assert [entry["decision"] for entry in found["decisions"]] == ["refused"]


@pytest.mark.parametrize("command", [["history", "nothing"], ["explain", "churn", "7"]])
def test_what_does_not_exist_is_a_sentence(app: typer.Typer, command: list[str]) -> None:
    error = CliRunner().invoke(app, command).exception
    assert isinstance(error, LeadloopError)
    assert "leadloop models" in str(error)


def test_promotion_needs_a_reason(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["promote", "churn", "2"]).exit_code == 2
