"""Predictions are kept once and read newest first."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from estate.core.prediction import AnsweredBy, Prediction
from estate.store.database import Database
from estate.store.predictions import find, read_recent, write_many

START = datetime(2026, 1, 5, tzinfo=UTC)


def _prediction(minute: int, **changes: object) -> Prediction:
    made = Prediction(
        prediction_id=str(uuid.uuid4()),
        model="lead_conversion",
        version="3",
        answered_by=AnsweredBy.MODEL,
        entity_id=f"lead-{minute}",
        score=0.25,
        label=None,
        features={"visits_count_7d": 3.0, "source": "portal", "budget_usd": None},
        fingerprint="f" * 64,
        at=START + timedelta(minutes=minute),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_is_written_is_read_back_newest_first(database: Database) -> None:
    made = [_prediction(minute) for minute in range(5)]
    with database.begin() as connection:
        assert write_many(connection, made) == 5
    with database.begin() as connection:
        assert read_recent(connection, "lead_conversion") == made[::-1]


def test_the_same_prediction_twice_is_one_row(database: Database) -> None:
    made = [_prediction(minute) for minute in range(3)]
    with database.begin() as connection:
        write_many(connection, made)
        assert write_many(connection, [*made, _prediction(9)]) == 1
        assert len(read_recent(connection, "lead_conversion")) == 4


def test_the_same_prediction_twice_in_one_batch_is_one_row(database: Database) -> None:
    one = _prediction(0)
    with database.begin() as connection:
        assert write_many(connection, [one, one]) == 1


def test_filters_by_model_version_and_time(database: Database) -> None:
    kept = _prediction(2)
    others = [_prediction(2, version="4"), _prediction(2, model="churn"), _prediction(1), _prediction(3)]
    with database.begin() as connection:
        write_many(connection, [kept, *others])
        found = read_recent(
            connection, "lead_conversion", version="3", since=kept.at, until=kept.at + timedelta(seconds=1)
        )
    assert found == [kept]


def test_limit_keeps_the_newest(database: Database) -> None:
    with database.begin() as connection:
        write_many(connection, [_prediction(minute) for minute in range(10)])
        assert [row.entity_id for row in read_recent(connection, "lead_conversion", limit=2)] == [
            "lead-9",
            "lead-8",
        ]


def test_numbers_that_are_not_finite_are_kept_as_missing(database: Database) -> None:
    odd = _prediction(0, features={"a": float("nan"), "b": float("inf"), "c": 'it\'s {"odd"} \\ é'})
    with database.begin() as connection:
        write_many(connection, [odd])
        (found,) = read_recent(connection, "lead_conversion")
    assert found.features == {"a": None, "b": None, "c": 'it\'s {"odd"} \\ é'}


def test_many_thousands_in_one_call(database: Database) -> None:
    with database.begin() as connection:
        assert write_many(connection, [_prediction(0) for _ in range(12_000)]) == 12_000


def test_nothing_to_write_is_fine(database: Database) -> None:
    with database.begin() as connection:
        assert write_many(connection, []) == 0


def test_features_come_back_to_the_bit_whatever_they_are(database: Database) -> None:
    numbers = {"a": 0.1 + 0.2, "b": 5e-324, "c": -1.7976931348623157e308, "d": float("inf"), "e": None}
    made = [_prediction(0, features={**numbers, "where": area}) for area in ('näh \\"{}', None, "")]
    with database.begin() as connection:
        write_many(connection, made)
        assert [find(connection, row.prediction_id) for row in made] == made
        assert find(connection, str(uuid.uuid4())) is None


def test_a_feature_that_is_a_number_here_and_a_text_there_is_a_text(database: Database) -> None:
    made = [_prediction(0, features={"floor": value}) for value in ("ground", 3.0, None)]
    with database.begin() as connection:
        write_many(connection, made)
        found = [find(connection, row.prediction_id) for row in made]
    assert [row.features["floor"] for row in found if row] == ["ground", "3", None]


def test_a_query_of_a_persons_own_sees_features_by_name(database: Database) -> None:
    features = {"rooms": 3.0, "odd": float("inf"), "none": None, "area": "north", "unknown": None}
    made = [_prediction(0, features=features), _prediction(1, features={})]
    with database.begin() as connection:
        write_many(connection, made)
        found = connection.exec_driver_sql("SELECT features FROM predictions_by_name ORDER BY at").scalars()
        assert found.all() == [{**features, "odd": None}, {}]


def test_predictions_of_before_there_were_layouts_are_read_as_ever(database: Database) -> None:
    old = _prediction(0)
    with database.begin() as connection:
        write_many(connection, [old])
        connection.exec_driver_sql(
            "UPDATE predictions SET layout = NULL, numbers = NULL, texts = NULL, features = "
            """'{"visits_count_7d": 3.0, "source": "portal", "budget_usd": null}'"""
        )
        assert read_recent(connection, "lead_conversion") == [old] == [find(connection, old.prediction_id)]
