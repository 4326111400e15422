"""The commands that change what is in production, on a real ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from estate.core.clock import now
from estate.core.errors import LeadloopError, RegistryError
from estate.core.evidence import Evidence, Finding
from estate.core.rollout import Rollout, RolloutKind, RolloutReport, Side
from estate.core.settings import Settings
from estate.signing import ensure_keys
from estate.store import evidence as evidence_store
from estate.store import ledger, rollout_reports
from estate.store.database import Database
from estate.store.ledger import Order
from infra.cli import registry

CANARY = Rollout(kind=RolloutKind.CANARY, share=0.05, requests=200)


@pytest.fixture
def app(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
    """Return the commands where versions 1 and 2 were promoted, and MLflow does not answer."""
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_MLFLOW_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path))
    monkeypatch.setenv("LEADLOOP_USER", "ann")
    monkeypatch.setenv("COLUMNS", "200")
    key = ensure_keys(Settings(_env_file=None, home=tmp_path)).signing_key()
    with database.begin() as connection:
        for version in ("1", "2"):
            found = _evidence(version)
            evidence_store.save(connection, "churn", version, found, key.sign("evidence", found.to_json()))
            ledger.append(
                connection,
                Order(
                    model="churn",
                    decision="promoted",
                    to_version=version,
                    who="bob",
                    why="better",
                    evidence_digest=found.digest,
                ),
            )
    made = typer.Typer()
    registry.register(made)
    return made


def _evidence(version: str) -> Evidence:
    return Evidence(
        model="churn",
        training_key=f"k{version}",
        bundle_digest="b",
        verdict=True,
        findings=(Finding("GATE101", True, "log loss 0.29 is below 0.30."),),
        measures=(),
        baseline=(),
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


def run(app: typer.Typer, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def start_canary(database: Database) -> None:
    """Have version 3 on its way, and one process that reports on it."""
    order = Order(
        model="churn", decision="started", to_version="3", who="bob", why="try", rollout=CANARY.to_json()
    )
    with database.begin() as connection:
        started = ledger.append(connection, order)
        report = RolloutReport(
            rollout_seq=started.seq,
            process="desk [1]",
            state="ready",
            problem=None,
            candidate=Side(rows=12),
            stable=Side(rows=340),
            at=now(),
        )
        rollout_reports.write(connection, report)


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", "churn", "2"),
        ("rollback", "churn"),
        ("rollout", "churn", "--abort"),
        ("promote", "churn", "2", "--reason", "x", "--rollout", "sometimes"),
        ("promote", "churn", "2", "--reason", "x", "--rollout", "blue_green", "--share", "0.5"),
    ],
)
def test_wrong_usage_exits_with_2(app: typer.Typer, arguments: tuple[str, ...]) -> None:
    assert run(app, *arguments).exit_code == 2


def test_rollback_says_what_is_in_production_by_whom(app: typer.Typer, database: Database) -> None:
    said = run(app, "rollback", "churn", "--reason", "wrong scores").stdout
    assert "churn version 1 is in production (before: version 2), since" in said
    assert "by ann (command line)." in said
    with database.begin() as connection:
        assert ledger.history(connection, "churn")[-1].why == "wrong scores"


def test_promotion_without_mlflow_is_one_sentence(app: typer.Typer) -> None:
    error = run(app, "promote", "churn", "1", "--reason", "x").exception
    assert isinstance(error, LeadloopError)
    assert "127.0.0.1:9" in str(error)


def test_promotion_of_a_model_that_is_not_ours_is_one_sentence(app: typer.Typer) -> None:
    with pytest.raises(RegistryError, match="model `theirs`: expected one that Leadloop has trained"):
        CliRunner().invoke(app, ["promote", "theirs", "1", "--reason", "x"], catch_exceptions=False)


def test_a_share_that_is_none_is_one_sentence(app: typer.Typer) -> None:
    arguments = ("promote", "churn", "1", "--reason", "x", "--rollout", "canary", "--share", "7")
    error = run(app, *arguments).exception
    assert isinstance(error, LeadloopError)
    assert "`share` of a rollout: expected more than 0 and at most 1, got 7.0" in str(error)


def test_rollout_shows_how_it_goes(app: typer.Typer, database: Database) -> None:
    assert "No rollout of churn is open" in run(app, "rollout", "churn").stdout
    start_canary(database)
    said = run(app, "rollout", "churn").stdout
    assert "canary: 5 % of the cases until it has scored 200 rows" in said
    assert "desk [1]" in said
    assert "It goes on: 12 of 200 rows scored." in said
    found = json.loads(run(app, "rollout", "churn", "--json").stdout)
    assert (found["started"]["to_version"], found["verdict"]["action"]) == ("3", "go_on")


def test_rollout_can_be_aborted(app: typer.Typer, database: Database) -> None:
    start_canary(database)
    said = run(app, "rollout", "churn", "--abort", "--reason", "bad").stdout
    assert "The rollout of churn version 3 was aborted; version 2 stays in production." in said
    error = run(app, "rollout", "churn", "--abort", "--reason", "bad").exception
    assert "expected one that is open" in str(error)


def test_rollback_during_a_rollout_ends_that(app: typer.Typer, database: Database) -> None:
    start_canary(database)
    said = run(app, "rollback", "churn", "--reason", "bad").stdout
    assert "The rollout of churn version 3 was aborted; version 2 stays in production." in said
