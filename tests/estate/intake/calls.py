"""A CRM's own database with a table of calls, and the file that says how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from estate.intake.extraction import Extracted, extract_kind
from estate.intake.extraction_plan import ExtractionPlan, read_plan
from estate.store.database import Database

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
