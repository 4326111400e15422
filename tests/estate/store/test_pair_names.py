"""Predictions about a lead and a home go with their lead, and with no other."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from estate.core.pair_id import pair_id
from estate.core.prediction import AnsweredBy, Prediction
from estate.store import erasures
from estate.store.database import Database
from estate.store.facts import write_facts
from estate.store.pair_names import leads_like_pairs, pairs_of_lead
from estate.store.predictions import read_recent, write_many
from estate.store.tables import predictions

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEADS = ("lead-1", "lead-17", "lead_1", "lead%", "lead-1|b", "~1", "|", "lead-1~1b")


def answered(*cases: str, model: str = "home_choice") -> list[Prediction]:
    return [
        Prediction(str(uuid.uuid4()), model, "1", AnsweredBy.MODEL, case, 0.5, None, {}, "f", NOON)
        for case in cases
    ]


def left(database: Database) -> list[str]:
    with database.begin() as connection:
        return sorted(str(row.entity_id) for row in read_recent(connection, "home_choice"))


@pytest.fixture
def desk(database: Database) -> Database:
    """Leads with odd ids, two pairs of each, and one answer about each lead itself."""
    known = pd.DataFrame({"lead_id": LEADS, "event_at": NOON, "recorded_at": NOON})
    with database.begin() as connection:
        write_facts(connection, "leads", known)
        pairs = [pair_id(lead, home) for lead in LEADS for home in ("h1", "h|2")]
        write_many(connection, answered(*pairs, *LEADS))
    return database


@pytest.mark.parametrize("lead", LEADS)
def test_all_that_is_about_a_lead_is_deleted_and_nothing_of_another(desk: Database, lead: str) -> None:
    others = [other for other in LEADS if other != lead]
    expected = [pair_id(other, home) for other in others for home in ("h1", "h|2")] + others
    with desk.begin() as connection:
        assert erasures.delete_rows(connection, lead)["predictions"] == 3
    assert left(desk) == sorted(expected)


@pytest.mark.parametrize("lead", LEADS)
def test_what_comes_late_about_an_erased_lead_is_not_kept(desk: Database, lead: str) -> None:
    with desk.begin() as connection:
        erasures.begin(connection, lead, who="ada", why="asked to")
        erasures.delete_rows(connection, lead)
    before = left(desk)
    with desk.begin() as connection:
        assert write_many(connection, answered(lead, pair_id(lead, "h3"), pair_id(lead, "h|4"))) == 0
        others = [other for other in LEADS if other != lead]
        late = [*others, *(pair_id(other, "h3") for other in others)]
        assert write_many(connection, answered(*late)) == len(late)
    assert left(desk) == sorted([*before, *late])


def test_where_names_are_sorted_otherwise_pairs_are_found_too(
    desk: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estate.store.pair_names._BY_CODE_POINT", "SELECT false")
    with desk.begin() as connection:
        assert erasures.delete_rows(connection, "lead-1")["predictions"] == 3
    assert pair_id("lead-17", "h1") in left(desk)


def test_leads_whose_ids_look_like_pairs_are_known(desk: Database) -> None:
    with desk.begin() as connection:
        assert leads_like_pairs(connection, "lead-1") == {"lead-1|b"}
        assert leads_like_pairs(connection, "lead-17") == set()


def test_pairs_are_found_by_the_index(desk: Database) -> None:
    many = [pair_id(f"l{i}", f"h{home}") for i in range(2_000) for home in range(3)]
    with desk.begin() as connection:
        write_many(connection, answered(*many))
    with desk.begin() as connection:
        connection.execute(sa.text("ANALYZE predictions"))
        wanted = sa.delete(predictions).where(pairs_of_lead(connection, predictions.c.entity_id, "l77"))
        text = str(wanted.compile(connection, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(connection.execute(sa.text(f"EXPLAIN {text}")).scalars())
        assert connection.execute(wanted).rowcount == 3
    assert "ix_predictions_entity_at" in plan
    assert "Seq Scan on predictions" not in plan
