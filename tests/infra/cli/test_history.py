"""What was decided, what served at a time, and what the evidence says."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from estate.core.clock import now
from estate.core.errors import LeadloopError
from estate.core.evidence import Evidence, Finding, Group, Measure, ServingCost
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.rollout import Rollout, RolloutKind
from estate.core.settings import Settings
from estate.signing import ensure_keys
from estate.store import evidence as evidence_store
from estate.store import ledger, predictions
from estate.store.database import Database
from estate.store.ledger import Order
from infra.cli import history


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
        trained_by="ann",
        holdout_uses=2,
        groups=(Group("age", "over 65", 120, 0.3, 0.81),),
        serving=ServingCost(p95_ms=1.5, memory_mb=12, requests=400, golden_difference=0.0),
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
    history.register(made)
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


def started(database: Database) -> None:
    canary = Rollout(kind=RolloutKind.CANARY, share=0.05, requests=500).to_json()
    with database.begin() as connection:
        order = Order(model="churn", decision="started", to_version="2", who="bob", why="try", rollout=canary)
        ledger.append(connection, order)


def answered(database: Database, version: str, by: AnsweredBy = AnsweredBy.MODEL) -> datetime:
    at = now()
    row = Prediction(
        prediction_id=str(uuid.uuid4()),
        model="churn",
        version=version,
        answered_by=by,
        entity_id="L17",
        score=0.25,
        label=None,
        features={"visits": 1.0},
        fingerprint="f",
        at=at,
    )
    with database.begin() as connection:
        predictions.write_many(connection, [row])
    return at


def asked(app: typer.Typer, *arguments: str) -> str:
    return CliRunner().invoke(app, ["history", "churn", *arguments], catch_exceptions=False).stdout


def test_history_says_a_rollout_in_words(app: typer.Typer, database: Database) -> None:
    started(database)
    assert "started (canary on 5 % of the cases until 500 rows)" in asked(app)


def test_what_served_a_lead_at_a_time_and_who_decided_it(app: typer.Typer, database: Database) -> None:
    at = answered(database, "1")
    answered(database, "7")
    shown = asked(app, "--at", at.isoformat(), "--lead", "L17")
    assert "version 1 of churn was in force." in shown
    assert "UTC by ann" in shown
    assert "why: [first]" in shown
    assert "score 0.2500 by version 1 (model)." in shown


@pytest.mark.parametrize(
    ("version", "by", "said"),
    [
        ("2", AnsweredBy.MODEL, "the version that was being rolled out answered (ledger row 3)"),
        ("7", AnsweredBy.MODEL, "another version answered: version 1 was in force"),
        ("7", AnsweredBy.LAST_GOOD, "the last good version answered from disk, version 1 was in force"),
        ("rules", AnsweredBy.RULES, "the rules answered, version 1 was in force"),
    ],
)
def test_an_answer_by_another_version_is_said_plainly(
    app: typer.Typer, database: Database, version: str, by: AnsweredBy, said: str
) -> None:
    started(database)
    answered(database, version, by)
    shown = asked(app, "--lead", "L17")
    assert said in shown
    assert "A rollout of version 2 was open: canary" in shown


def test_a_moment_as_json(app: typer.Typer, database: Database) -> None:
    answered(database, "1")
    found = json.loads(asked(app, "--lead", "L17", "--json"))
    assert (found["in_force"]["to_version"], found["in_force"]["who"]) == ("1", "ann")
    assert (found["answer"]["version"], found["answer"]["in_force"], found["answer"]["remark"]) == (
        "1",
        "1",
        "",
    )
    assert found["rollout"] is None


def test_before_everything_nothing_served(app: typer.Typer) -> None:
    shown = asked(app, "--at", "2020-01-01", "--lead", "L17")
    assert "no version of churn was in production" in shown
    assert "L17 had no answer of this model until then." in shown


def test_a_time_that_is_none_is_a_sentence(app: typer.Typer) -> None:
    error = CliRunner().invoke(app, ["history", "churn", "--at", "25:99"]).exception
    assert str(error).startswith("time `25:99`: expected 2026-11-21T14:05")


def test_history_of_a_changed_ledger_names_the_row(app: typer.Typer, database: Database) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_no_change")
        connection.exec_driver_sql("UPDATE ledger SET who = 'eve' WHERE seq = 1")
    for command in (["history", "churn"], ["history", "churn", "--at", "14:05"]):
        assert "ledger row 1: expected" in str(CliRunner().invoke(app, command).exception)


def resigned(database: Database, document_change: str) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE evidence DISABLE TRIGGER evidence_no_change")
        connection.exec_driver_sql(document_change)


def test_explain_tells_the_four_states_of_a_signature(
    app: typer.Typer, database: Database, tmp_path: Path
) -> None:
    def said() -> str:
        shown = CliRunner().invoke(app, ["explain", "churn", "2", "--json"], catch_exceptions=False).stdout
        return str(json.loads(shown)["signature"])

    assert said() == "unsigned"
    key = ensure_keys(Settings(_env_file=None, home=tmp_path)).signing_key()
    with database.begin() as connection:
        found = evidence_store.load(connection, "churn", "2")
        assert found is not None
        good = key.sign("evidence", found.to_json())
        other = key.sign("evidence", replace(found, rows=1).to_json())
    change = "UPDATE evidence SET key_id = '{}', signature = '{}'"
    resigned(database, change.format(good.key_id, good.value))
    assert said() == f"valid, key {key.key_id}"
    resigned(database, change.format(other.key_id, other.value))
    assert said() == f"changed after key {key.key_id} signed it"
    resigned(database, change.format("0" * 16, good.value))
    assert said() == f"untrusted key {'0' * 16}"


def test_explain_shows_groups_cost_and_who_trained(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["explain", "churn", "2"]).stdout
    assert "trained by: ann" in shown
    assert "the frozen rows were used by 2 earlier gates" in shown
    assert "signature: unsigned" in shown
    assert "serving cost: p95 1.50 ms a row over 400 requests, 12 MB" in shown
    assert all(text in shown for text in ("impact ratio", "over 65", "30.0%", "0.81"))


@pytest.mark.parametrize("command", [["history", "nothing"], ["explain", "churn", "7"]])
def test_what_does_not_exist_is_a_sentence(app: typer.Typer, command: list[str]) -> None:
    error = CliRunner().invoke(app, command).exception
    assert isinstance(error, LeadloopError)
    assert "leadloop models" in str(error)
