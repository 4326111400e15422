"""``leadloop ledger verify``: found whole, cut off, tampered with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from estate.core.errors import StoreError
from estate.store import ledger as store
from estate.store.database import Database
from estate.store.ledger import Order
from infra.cli import ledger


@pytest.fixture
def written(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    """Return the database that the command looks at, with three rows and no guard."""
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path))
    for version in "123":
        with database.begin() as connection:
            order = Order(model="churn", decision="promoted", to_version=version, who="ann", why="better")
            store.append(connection, order)
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_no_change")
    return database


def verify(*arguments: str) -> Result:
    app = typer.Typer()
    ledger.register(app)
    return CliRunner().invoke(app, ["ledger", "verify", *arguments])


def do(database: Database, statement: str) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(statement)


def test_a_whole_ledger_is_counted_and_its_head_noted(written: Database, tmp_path: Path) -> None:
    first, second = verify(), verify("--json")
    assert "3 rows, each as it was written" in first.stdout
    assert "This was the first check" in first.stdout
    said, kept = json.loads(second.stdout), json.loads((tmp_path / ledger.HEAD_FILE).read_text())
    assert said["head"] == kept
    assert (said["ok"], said["rows"], said["anchored"]) == (True, 3, True)
    assert (tmp_path / ledger.HEAD_FILE).stat().st_mode & 0o077 == 0


def test_cut_off_rows_are_noticed_from_the_second_check_on(written: Database, tmp_path: Path) -> None:
    assert verify().exit_code == 0
    do(written, "DELETE FROM ledger WHERE seq = 3")
    kept = (tmp_path / ledger.HEAD_FILE).read_text()
    found = verify("--json")
    assert found.exit_code == 1
    assert isinstance(found.exception, StoreError)
    assert "rows were cut off or rewritten" in str(found.exception)
    assert json.loads(found.stdout)["ok"] is False
    assert (tmp_path / ledger.HEAD_FILE).read_text() == kept


def test_the_anchor_may_lie_elsewhere(written: Database, tmp_path: Path) -> None:
    anchor = tmp_path / "safe" / "anchor.json"
    assert verify("--anchor", str(anchor)).exit_code == 0
    assert not (tmp_path / ledger.HEAD_FILE).exists()
    do(written, "DELETE FROM ledger WHERE seq = 3")
    assert verify().exit_code == 0
    assert verify("--anchor", str(anchor)).exit_code == 1


def test_the_row_is_named(written: Database) -> None:
    do(written, "UPDATE ledger SET why = 'other' WHERE seq = 2")
    assert "ledger row 2: expected hash" in str(verify().exception)


@pytest.mark.parametrize("content", ["", "[]", '{"seq": "x", "hash": 1}'])
def test_a_broken_anchor_is_a_sentence(written: Database, tmp_path: Path, content: str) -> None:
    (tmp_path / ledger.HEAD_FILE).write_text(content)
    assert "expected what an earlier check wrote" in str(verify().exception)


def test_an_empty_ledger_is_said(written: Database) -> None:
    do(written, "DELETE FROM ledger")
    assert verify().stdout == "The ledger has no rows yet.\n"
