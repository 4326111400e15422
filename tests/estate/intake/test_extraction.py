"""Reading a CRM's own database, which goes on writing: late rows, corrections, odd rows, kills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import psycopg
import pytest
from typer.testing import CliRunner, Result

from estate.core.errors import DataError, ImportFileError
from estate.datasets.quarantine import Quarantine
from estate.intake.extraction import Extracted, extract_kind
from estate.intake.extraction_plan import ExtractionPlan, read_plan
from estate.store.database import Database
from estate.store.erasures import begin
from estate.store.extractions import list_extractions
from estate.store.facts import read_facts
from infra.cli.main import app

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
TABLE = """
CREATE TABLE calls (
  id bigint PRIMARY KEY, contact text, what text, seconds numeric, made_at timestamptz, updated_at timestamptz
)"""
FILE = """
url: ${CRM_URL}
tables:
  interactions:
    query: SELECT id, contact, what, seconds, made_at, updated_at FROM calls WHERE contact <> 'test'
    watermark: updated_at
    late_days: 1
    mapping: calls.yaml
"""
MAPPING = """
columns: {interaction_id: id, lead_id: contact, kind: what, duration_seconds: seconds, event_at: made_at}
values: {kind: {phone: call}}
"""
Crm = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def crm(database: Database) -> Iterator[Crm]:
    """Another database on the same server, as the CRM has it."""
    parts = urlsplit(database.url)
    name = f"crm_{parts.path.strip('/')}"
    with psycopg.connect(database.url, autocommit=True) as ours:
        ours.execute(f'CREATE DATABASE "{name}"')
        with psycopg.connect(urlunsplit(parts._replace(path=f"/{name}")), autocommit=True) as theirs:
            theirs.execute(TABLE)
            yield theirs
        ours.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def plan(tmp_path: Path) -> ExtractionPlan:
    (tmp_path / "desk.yaml").write_text(FILE)
    (tmp_path / "calls.yaml").write_text(MAPPING)
    return read_plan(tmp_path / "desk.yaml")


def url_of(crm: Crm) -> str:
    info = crm.info
    return f"postgresql://{info.user}@/{info.dbname}?host={info.host}&port={info.port}"


def write(crm: Crm, number: int, written: datetime, **values: object) -> None:
    row = {"contact": f"L{number % 7}", "what": "phone", "seconds": 60, "made_at": written} | values
    crm.execute(
        "INSERT INTO calls VALUES (%(id)s, %(contact)s, %(what)s, %(seconds)s, %(made_at)s, %(written)s)"
        " ON CONFLICT (id) DO UPDATE SET contact = excluded.contact, what = excluded.what,"
        " seconds = excluded.seconds, made_at = excluded.made_at, updated_at = excluded.updated_at",
        {"id": number, "written": written, **row},
    )


def extract(
    database: Database,
    crm: Crm,
    plan: ExtractionPlan,
    home: Path,
    *,
    everything: bool = False,
    rows_at_once: int = 4,
) -> Extracted:
    return extract_kind(
        database,
        plan,
        plan.tables[0],
        url=url_of(crm),
        home=home,
        everything=everything,
        rows_at_once=rows_at_once,
    )


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


EXTRACTOR = """
    import sys
    from pathlib import Path
    from estate.intake.extraction import extract_kind
    from estate.intake.extraction_plan import read_plan
    from estate.store.database import Database

    plan, home = read_plan(Path(sys.argv[2])), Path(sys.argv[3])
    print("ready", flush=True)
    sys.stdin.readline()
    extract_kind(
        Database(sys.argv[1]), plan, plan.tables[0], url=sys.argv[4], home=home, rows_at_once=50,
        progress=lambda done: print(done.rows_read, flush=True),
    )
"""


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_killed_fifty_times_while_the_crm_goes_on_writing_no_row_is_lost_and_none_twice(
    database: Database, crm: Crm, plan: ExtractionPlan, tmp_path: Path
) -> None:
    """New rows, late ones and corrections come in between; half of the kills hit within a transaction."""
    dice, clock, rows = random.Random(7), START, 0
    command = [sys.executable, "-c", textwrap.dedent(EXTRACTOR), database.url, str(tmp_path / "desk.yaml")]
    command += [str(tmp_path), url_of(crm)]
    cut_off = 0
    for kill in range(50):
        for _ in range(400 if kill == 0 else 60):
            clock += timedelta(minutes=3)
            late = timedelta(hours=dice.uniform(0, 20)) if dice.random() < 0.2 else timedelta(0)
            write(crm, rows, clock - late, what="fax" if rows % 50 == 49 else "phone")
            rows += 1
        for number in dice.sample(range(rows), 3):
            write(crm, number, clock, seconds=dice.randint(1, 900), what="phone")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("go\n")
            process.stdin.flush()
            if kill % 2:
                process.stdout.readline()
            time.sleep(dice.uniform(0.0, 0.25 if kill % 2 else 1.0))
            os.kill(process.pid, signal.SIGKILL)
            cut_off += process.wait() == -signal.SIGKILL
    assert cut_off >= 40, "it was too quick to be killed"
    extract(database, crm, plan, tmp_path, rows_at_once=500)
    theirs = crm.execute(
        "SELECT id::text, contact, seconds::float8 FROM calls WHERE what = 'phone'"
    ).fetchall()
    ours = read_facts(database, "interactions")[["interaction_id", "lead_id", "duration_seconds"]]
    assert sorted(ours.itertuples(index=False, name=None)) == sorted(theirs)
    versions = read_facts(database, "interactions", as_of=datetime.now(UTC), versions=True)
    said = versions.drop(columns=["recorded_at", "superseded_at"])
    assert not said.duplicated().any(), "a version is there twice"
    faxes = crm.execute("SELECT count(*) FROM calls WHERE what = 'fax'").fetchone()
    assert faxes is not None
    assert len({one.row for one in Quarantine(tmp_path, "desk-interactions").read()}) >= int(str(faxes[0]))
