"""Rows that are sent: good ones are stored, bad ones come back with their reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estate.core.errors import DataError
from estate.core.prediction import AnsweredBy, Prediction
from estate.intake.outcomes import take_outcomes
from estate.intake.rows import Taken, take_rows
from estate.store.database import Database
from estate.store.facts import read_facts
from estate.store.predictions import write_many

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def visit(name: str = "v1", **changed: Any) -> dict[str, Any]:
    return {
        "interaction_id": name,
        "lead_id": "L1",
        "kind": "visit",
        "event_at": "2026-01-05T08:30:00Z",
    } | changed


def take(database: Database, *rows: dict[str, Any], kind: str = "interactions", at: datetime = NOON) -> Taken:
    with database.begin() as connection:
        return take_rows(connection, kind, rows, at=at)


def test_rows_are_learned_when_they_come(database: Database) -> None:
    taken = take(database, visit(), visit("v2", event_at="2026-01-06", duration_seconds=3))
    assert (taken.new, taken.refused) == (2, {})
    facts = read_facts(database, "interactions")
    assert facts["recorded_at"].tolist() == [NOON, datetime(2026, 1, 6, tzinfo=UTC)]


def test_rows_that_say_when_they_were_learned_are_believed(database: Database) -> None:
    take(database, visit(recorded_at="2026-01-05T09:00:00+00:00"))
    assert read_facts(database, "interactions")["recorded_at"].tolist() == [NOON - timedelta(hours=3)]


def test_the_same_again_is_known_and_another_value_is_a_correction(database: Database) -> None:
    take(database, visit())
    again = take(database, visit(), at=NOON + timedelta(hours=1))
    other = take(database, visit(kind="call"), at=NOON + timedelta(hours=2))
    assert [(one.new, one.corrected, one.known) for one in (again, other)] == [(0, 0, 1), (0, 1, 0)]
    before = read_facts(database, "interactions", as_of=NOON + timedelta(hours=1))
    assert before["kind"].tolist() == ["visit"]
    assert read_facts(database, "interactions")["kind"].tolist() == ["call"]


BAD: dict[str, dict[str, Any]] = {
    "kind: expected one of": visit(kind="dance"),
    "lead_id: expected a value, got nothing": visit(lead_id=None),
    "lead_id: expected at most 200": visit(lead_id="x" * 201),
    "lead_id: expected a text or a number, got a list": visit(lead_id=["L1"]),
    "lead_id: expected a text or a number, got true": visit(lead_id=True),
    "lead_id: expected text without NUL": visit(lead_id="a\x00"),
    "duration_seconds: expected a number, got 'long'": visit(duration_seconds="long"),
    "duration_seconds: expected 0 to 1e+07, got -1": visit(duration_seconds=-1),
    "duration_seconds: expected a number without thousands": visit(duration_seconds="1,200"),
    "event_at: expected ISO 8601": visit(event_at="05/01/2026 08:30"),
    "event_at: expected ISO 8601 ": visit(event_at="5 Jan 2026"),
    "event_at: expected ISO 8601 s": visit(event_at="20260105"),
    "event_at: expected ISO 8601 su": visit(event_at=1767601800),
    "event_at: expected ISO 8601 suc": visit(event_at="2026-13-45"),
    "'colour': expected one of": visit(colour="red"),
}


@pytest.mark.parametrize("reason", list(BAD))
def test_a_bad_row_says_why_and_the_good_ones_are_in(reason: str, database: Database) -> None:
    taken = take(database, visit("good"), BAD[reason], visit("better"))
    assert list(taken.refused) == [1]
    assert any(sentence.startswith(reason.strip()) for sentence in taken.refused[1]), taken.refused
    assert taken.new == 2
    assert set(taken.ids) == {"good", "better"}


def test_rows_without_a_needed_column_are_refused_one_by_one(database: Database) -> None:
    taken = take(database, {"interaction_id": "x"}, {})
    assert list(taken.refused) == [0, 1]
    assert "event_at: expected a value, got nothing" in taken.refused[0]


def test_a_good_row_counts_though_a_bad_one_says_the_same(database: Database) -> None:
    taken = take(database, visit(colour="red"), visit(), visit())
    assert (list(taken.refused), taken.new, taken.known) == ([0], 1, 1)


def test_of_rows_that_contradict_each_other_the_first_counts(database: Database) -> None:
    taken = take(database, visit(), visit(kind="call"))
    assert (list(taken.refused), taken.new) == ([1], 1)


def test_an_unknown_kind_is_named(database: Database) -> None:
    with pytest.raises(DataError, match="kind of facts"):
        take(database, visit(), kind="phones")


def test_outcomes_by_lead_and_by_answer(database: Database) -> None:
    ids = ["01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"]
    answers = [
        Prediction(
            prediction_id=ids[place],
            model="churn",
            version="1",
            answered_by=AnsweredBy.MODEL,
            entity_id=lead,
            score=0.5,
            label=None,
            features={},
            fingerprint="f",
            at=NOON,
        )
        for place, lead in enumerate(["L1", None])
    ]
    with database.begin() as connection:
        write_many(connection, answers)
    happened = "2026-01-05T08:30:00Z"
    sent: list[dict[str, Any]] = [
        {"lead_id": "L9", "kind": "churned", "event_at": happened},
        {"prediction_id": ids[0].upper(), "kind": "converted", "event_at": happened},
        {"prediction_id": ids[1], "kind": "converted", "event_at": happened},
        {"prediction_id": "no id", "kind": "converted", "event_at": happened},
        {"kind": "converted", "event_at": happened},
        {"lead_id": "L9", "kind": "won", "event_at": happened},
        {"lead_id": "L9", "kind": "churned", "event_at": happened, "colour": 1},
    ]
    with database.begin() as connection:
        taken = take_outcomes(connection, sent, at=NOON)
    with database.begin() as connection:
        again = take_outcomes(connection, sent, at=NOON + timedelta(hours=1))
    assert (taken.new, again.new, again.known) == (2, 0, 2)
    assert list(taken.refused) == list(again.refused) == [2, 3, 4, 5, 6]
    assert [" ".join(taken.refused[row])[:14] for row in (2, 3, 4, 5)] == [
        "prediction_id:",
        "prediction_id:",
        "lead_id: expec",
        "kind: expected",
    ]
    facts = read_facts(database, "outcomes")
    assert facts[["lead_id", "kind"]].to_numpy().tolist() == [["L1", "converted"], ["L9", "churned"]]
