"""Reading a CRM's own database, which goes on writing: late rows, corrections, odd rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from estate.core.errors import DataError, ImportFileError
from estate.datasets.quarantine import Quarantine
from estate.intake.extraction_plan import ExtractionPlan, read_plan
from estate.store.database import Database
from estate.store.erasures import begin
from estate.store.extractions import list_extractions
from estate.store.facts import read_facts
from infra.cli.main import app
from tests.estate.intake.calls import FILE, MAPPING, START, Crm, crm, extract, plan, url_of, write

__all__ = ["crm", "plan"]  # fixtures


def test_only_what_was_written_since_is_read_and_late_rows_are_found(
    database: Database, crm: Crm, plan: ExtractionPlan, tmp_path: Path
) -> None:
    for number in range(30):
        write(crm, number, START + timedelta(hours=number))
    first = extract(database, crm, plan, tmp_path)
    assert (first.rows_read, first.rows_new, first.rows_refused) == (30, 30, 0)
    assert first.watermark == START + timedelta(hours=29)
    facts = read_facts(database, "interactions")
    assert (facts["recorded_at"] == facts["event_at"]).all()  # learned when they happened
    assert set(facts["kind"]) == {"call"}
    # a row becomes visible after newer ones: its transaction took long
    write(crm, 100, START + timedelta(hours=10))
    write(crm, 101, START + timedelta(hours=30))
    again = extract(database, crm, plan, tmp_path)
    assert again.rows_new == 2
    assert again.rows_read == 27  # the day before the watermark, and what is new
    facts = read_facts(database, "interactions")
    learned = facts.loc[facts["interaction_id"] == "100", "recorded_at"]
    assert (learned > pd.Timestamp(START + timedelta(days=30))).tolist() == [True]  # learned now
    # later than a day: only a whole pass finds it
    write(crm, 102, START)
    assert extract(database, crm, plan, tmp_path).rows_new == 0
    assert extract(database, crm, plan, tmp_path, everything=True).rows_new == 1
    (state,) = list_extractions(database)
    assert (state.source, state.kind, state.watermark) == (
        "desk",
        "interactions",
        START + timedelta(hours=30),
    )
    assert state.whole_at is not None


def test_a_changed_row_is_a_correction_and_a_touched_one_is_not(
    database: Database, crm: Crm, plan: ExtractionPlan, tmp_path: Path
) -> None:
    for number in range(3):
        write(crm, number, START)
    extract(database, crm, plan, tmp_path)
    write(crm, 0, START + timedelta(days=2), seconds=300, made_at=START)
    write(crm, 1, START + timedelta(days=2), made_at=START)  # nothing but the time of writing
    done = extract(database, crm, plan, tmp_path)
    assert (done.rows_new, done.rows_corrected, done.rows_refused) == (0, 1, 0)
    versions = read_facts(database, "interactions", as_of=datetime.now(UTC), versions=True)
    assert sorted(versions["interaction_id"]) == ["0", "0", "1", "2"]
    before = read_facts(database, "interactions", as_of=START + timedelta(days=30))
    assert before["duration_seconds"].tolist() == [60.0] * 3


def test_odd_rows_are_put_aside_once_and_taken_when_they_are_mended(
    database: Database, crm: Crm, plan: ExtractionPlan, tmp_path: Path
) -> None:
    for number in range(6):
        write(crm, number, START)
    write(crm, 2, START, what="fax")
    write(crm, 3, START, made_at=None, seconds=-1)
    write(crm, 4, START, contact=None)  # no test, nor known: not selected
    for _ in range(3):
        done = extract(database, crm, plan, tmp_path)
    assert done.rows_refused == 2
    kept = Quarantine(tmp_path, "desk-interactions").read()
    assert len(kept) == 2, "the same row was put aside again"
    assert [[reason.split(":")[0] for reason in one.reasons] for one in kept] == [
        ["kind"],
        ["duration_seconds", "event_at"],
    ]
    write(crm, 2, START + timedelta(hours=1), made_at=START)
    assert extract(database, crm, plan, tmp_path).rows_new == 1


def test_a_row_from_the_future_hides_none_and_an_erased_lead_stays_away(
    database: Database, crm: Crm, plan: ExtractionPlan, tmp_path: Path
) -> None:
    write(crm, 0, datetime(2099, 1, 1, tzinfo=UTC), made_at=START)
    extract(database, crm, plan, tmp_path)
    write(crm, 1, datetime.now(UTC), made_at=START)
    assert extract(database, crm, plan, tmp_path).rows_new == 1
    with database.begin() as connection:
        begin(connection, "L2", who="ann", why="asked")
    write(crm, 2, datetime.now(UTC), made_at=START)
    write(crm, 9, datetime.now(UTC), made_at=START, what="fax")  # of L2, and wrong
    assert extract(database, crm, plan, tmp_path).rows_new == 0
    assert not (tmp_path / "quarantine" / "desk-interactions.csv").exists()


def test_a_query_may_hold_colons_percent_signs_and_a_semicolon(
    database: Database, crm: Crm, tmp_path: Path
) -> None:
    query = "SELECT id, contact, what, seconds::float8 AS seconds, made_at, updated_at FROM calls"
    query += " WHERE contact <> ' :none' AND contact NOT LIKE '%:x' AND made_at > '2026-01-01 10:30';"
    text = FILE.replace(FILE[FILE.index("SELECT") : FILE.index("\n    watermark")], f'"{query}"')
    (tmp_path / "desk.yaml").write_text(text)
    (tmp_path / "calls.yaml").write_text(MAPPING)
    write(crm, 0, START)
    assert extract(database, crm, read_plan(tmp_path / "desk.yaml"), tmp_path).rows_new == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("FROM calls", "FROM cals"), 'relation "cals" does not exist'),
        (("watermark: updated_at", "watermark: changed"), "changed"),
        (("watermark: updated_at", "watermark: contact"), "a timestamp in every row"),
        (("SELECT id", "DELETE FROM calls RETURNING id"), "syntax error"),
    ],
)
def test_what_the_database_refuses_is_said_and_changes_nothing(
    changed: tuple[str, str], told: str, database: Database, crm: Crm, tmp_path: Path
) -> None:
    (tmp_path / "desk.yaml").write_text(FILE.replace(*changed))
    (tmp_path / "calls.yaml").write_text(MAPPING)
    write(crm, 0, START)
    with pytest.raises(DataError) as error:
        extract(database, crm, read_plan(tmp_path / "desk.yaml"), tmp_path)
    assert told in str(error.value)
    assert crm.execute("SELECT count(*) FROM calls").fetchone() == (1,)
    assert read_facts(database, "interactions").empty


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("url: x", "`url` and `tables`"),
        ("url: x\ntables: {phones: {query: a, watermark: b}}", "kind of facts"),
        ("url: x\ntables: {leads: {query: a}}", "`watermark`, a text"),
        ("url: x\ntables: {leads: {query: a, watermark: b, late_days: soon}}", "`late_days` from 0"),
        ("url: x\ntables: {leads: {query: a, watermark: b, mapping: none.yaml}}", "mapping file"),
        ("url: [", "YAML"),
    ],
)
def test_a_file_that_says_something_else_is_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "crm.yaml").write_text(text)
    with pytest.raises(ImportFileError) as error:
        read_plan(tmp_path / "crm.yaml")
    assert told in str(error.value)


def test_the_command_reads_shows_how_far_and_says_what_is_wrong(
    database: Database,
    crm: Crm,
    plan: ExtractionPlan,  # its files
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(5):
        write(crm, number, START, what="fax" if number == 3 else "phone")
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["extract", *arguments])

    file = str(tmp_path / f"{plan.source}.yaml")
    assert "CRM_URL in the environment" in str(run(file).exception)
    monkeypatch.setenv("CRM_URL", url_of(crm))
    assert run("--status").output == "nothing was extracted yet\n"
    first = run(file)
    assert "interactions: 5 rows read, 4 new, 0 corrected, 1 refused, until 2026-01-05 12:00:00 UTC." in (
        first.output
    )
    assert str(Quarantine(tmp_path, "desk-interactions").path) in first.output
    assert json.loads(run(file, "--json").stdout)[0]["rows_new"] == 0
    shown = run("--status").output.splitlines()[-1].split("  ")
    assert [one.strip() for one in shown if one][:3] == ["desk", "interactions", "2026-01-05 12:00:00"]
    assert "expected one of interactions, got 'leads'" in str(run(file, "--only", "leads").exception)
    assert "LEADLOOP_CRM_EXTRACTION" in str(run().exception)
