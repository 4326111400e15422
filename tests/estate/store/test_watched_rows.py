"""Predictions stream out in parts, with what was kept of each feature."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from estate.core.prediction import AnsweredBy, Prediction
from estate.store import watched_rows
from estate.store.database import Database
from estate.store.predictions import write_many
from estate.store.watched_rows import count_others, stream_rows

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _write(
    database: Database,
    features: Mapping[str, float | str | None],
    *,
    times: int = 1,
    ago: int = 1,
    version: str = "1",
) -> None:
    rows = [
        Prediction(
            str(uuid.uuid4()),
            "churn",
            version,
            AnsweredBy.MODEL,
            None,
            0.25,
            None,
            features,
            "f",
            NOON - timedelta(minutes=ago + i),
        )
        for i in range(times)
    ]
    with database.begin() as connection:
        write_many(connection, rows)


def test_numbers_texts_and_absent_columns_stay_what_they_are(database: Database) -> None:
    _write(database, {"visits": 3.0, "area": "north"})
    _write(database, {"visits": "three", "area": None}, ago=10)
    _write(database, {"area": "south"}, ago=20)
    with database.begin() as connection:
        parts = list(stream_rows(connection, "churn", "1", since=NOON - timedelta(days=1), until=NOON))
    kept = [{name: list(values) for name, values in part.features.items()} for part in parts]
    assert {"visits": [3.0], "area": ["north"]} in kept
    assert any(part.get("visits") == ["three"] for part in kept)
    assert {"area": ["south"]} in kept


def test_the_newest_rows_of_the_version_come_in_parts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_rows, "PART_ROWS", 4)
    _write(database, {"visits": 1.0}, times=10)
    _write(database, {"visits": 2.0}, times=10, version="2")
    with database.begin() as connection:
        since = NOON - timedelta(days=1)
        parts = list(stream_rows(connection, "churn", "1", since=since, until=NOON, limit=9))
        others = count_others(connection, "churn", "1", since=since, until=NOON)
    assert [len(part) for part in parts] == [4, 4, 1]
    assert max(parts[0].at) == NOON - timedelta(minutes=1)
    assert np.concatenate([part.scores for part in parts]).tolist() == [0.25] * 9
    assert others == 10
