"""A desk's facts on a rehearsal's own database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pandas as pd
import psycopg
import pytest

from estate.store.database import Database
from estate.store.facts import read_facts, write_facts
from rehearsal.facts import copy_facts

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def other_database(postgres: str) -> Iterator[Database]:
    """Return a second migrated database."""
    name = f"other_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY FILE_COPY".encode())
        made = Database(postgres.replace("/postgres?", f"/{name}?"))
        yield made
        made.engine.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_corrections_are_copied_with_their_times(database: Database, other_database: Database) -> None:
    for days, budget in ((0, 1.0), (3, 2.0)):
        learned = MONDAY + timedelta(days=days)
        row = {"lead_id": "a", "budget_usd": budget, "event_at": MONDAY, "recorded_at": learned}
        with database.begin() as connection:
            write_facts(connection, "leads", pd.DataFrame([row]))
    said: list[str] = []
    copy_facts(database, other_database, say=said.append)
    assert "leads: 2 copied" in said
    for days in (0, 2, 3):
        as_of = MONDAY + timedelta(days=days)
        left, right = (read_facts(one, "leads", as_of=as_of) for one in (database, other_database))
        pd.testing.assert_frame_equal(left, right)
