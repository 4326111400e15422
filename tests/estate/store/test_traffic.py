"""How much came in, hour by hour, and what came twice."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pandas as pd

from estate.core.prediction import AnsweredBy, Prediction
from estate.store.database import Database
from estate.store.facts import write_facts
from estate.store.message_samples import sample_texts
from estate.store.predictions import write_many
from estate.store.traffic import Doubled, doubled, fact_hours, prediction_hours

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SPAN = timedelta(days=2)


def _predict(database: Database, entity: str | None, visits: float, *, hours_ago: float) -> None:
    row = Prediction(
        str(uuid.uuid4()),
        "churn",
        "1",
        AnsweredBy.MODEL,
        entity,
        0.5,
        None,
        {"visits": visits},
        "f",
        NOON - timedelta(hours=hours_ago),
    )
    with database.begin() as connection:
        write_many(connection, [row])


def test_answers_are_counted_by_hours_before_the_moment(database: Database) -> None:
    for hours_ago in (-1.0, 0.5, 0.6, 3.5, 47.5, 48.5):
        _predict(database, None, 1.0, hours_ago=hours_ago)
    with database.begin() as connection:
        hours = prediction_hours(connection, "churn", until=NOON, span=SPAN)
    assert (len(hours), hours.sum()) == (48, 4)
    assert (hours[0], hours[3], hours[47]) == (2, 1, 1)


def test_the_same_case_with_the_same_features_is_a_repeat(database: Database) -> None:
    for entity, visits in (("a", 1.0), ("a", 1.0), ("a", 2.0), ("b", 1.0), (None, 1.0), (None, 1.0)):
        _predict(database, entity, visits, hours_ago=1)
    with database.begin() as connection:
        since = NOON - SPAN
        now = doubled(connection, "churn", "1", since=since, until=NOON, most=10)
        skipped = doubled(connection, "churn", "1", since=since, until=NOON, most=10, skip=10)
    assert (now, skipped) == (Doubled(4, 1), Doubled(0, 0))


def test_facts_are_counted_when_they_were_learned(database: Database) -> None:
    at = [NOON - timedelta(hours=5), NOON - timedelta(hours=30), NOON + timedelta(hours=1)]
    leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "event_at": at, "recorded_at": at})
    visits = pd.DataFrame(
        {
            "interaction_id": ["1", "2"],
            "lead_id": ["a", "b"],
            "kind": ["visit", "visit"],
            "event_at": [NOON - timedelta(hours=4), NOON - timedelta(hours=2)],
            "recorded_at": [NOON - timedelta(hours=3.5), NOON + timedelta(hours=2)],
        }
    )
    with database.begin() as connection:
        write_facts(connection, "leads", leads)
        write_facts(connection, "interactions", visits)
        found = {
            kind: fact_hours(connection, kind, until=NOON, span=SPAN) for kind in ("leads", "interactions")
        }
    assert found["leads"].nonzero()[0].tolist() == [5, 30]
    assert found["interactions"].nonzero()[0].tolist() == [3]


def test_what_a_lead_wrote_is_one_text_and_what_we_wrote_is_not_read(database: Database) -> None:
    at = NOON - timedelta(hours=1)
    rows = pd.DataFrame(
        {
            "message_id": ["1", "2", "3", "4"],
            "lead_id": ["a", "a", "a", "b"],
            "direction": ["in", "in", "out", "in"],
            "channel": ["chat"] * 4,
            "text": ["garden", "garden", "offer", "late"],
            "event_at": [at] * 4,
            "recorded_at": [at, at, at, NOON],
        }
    )
    with database.begin() as connection:
        write_facts(connection, "messages", rows)
        texts = sample_texts(connection, since=NOON - SPAN, until=NOON, most=10)
    assert texts == ["garden garden"]
