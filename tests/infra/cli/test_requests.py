"""What `leadloop requests` shows."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from estate.core.training_rules import DEFAULT_RULES
from estate.store.database import Database
from estate.store.training_claims import claim_waiting
from estate.store.training_requests import request_training
from infra.cli import requests


@pytest.fixture
def app(database: Database, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """Return the command on an empty database."""
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "160")
    made = typer.Typer()
    requests.register(made)
    return made


def run(app: typer.Typer, *arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_nothing_was_asked(app: typer.Typer) -> None:
    assert run(app) == "No training was asked for yet.\n"


def test_requests_are_shown_with_the_governors_reasons(app: typer.Typer, database: Database) -> None:
    with database.begin() as connection:
        request_training(connection, "churn", cause="drift", detail="moved", version="3")
        request_training(connection, "sale", cause="person", detail="by hand", who="ann")
        claim_waiting(connection, lambda _: DEFAULT_RULES)
    shown = run(app, "--why")
    assert "refused (replaced)" in shown
    assert "version 3 was replaced: rules is in production" in shown
    assert "dispatched" in shown
    assert "ann" in shown
    only = run(app, "sale")
    assert "churn" not in only
