"""Ten worlds, each with one thing that happens, and its one right end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from estate.core.prediction import Prediction
from rehearsal.grounds import Grounds, grounds
from tests.worlds.driver import Feed, happen
from tests.worlds.town import Town

pytestmark = pytest.mark.thorough

FIRST, EVENT, END = 70, 98, 161
"""Days: the first version learns until FIRST, something happens at EVENT, END is the last day."""
HEALED = 126
PLAIN = Town(days=END, event_day=EVENT)


@pytest.fixture(scope="module")
def place() -> Iterator[Grounds]:
    """Postgres and Prefect for all worlds."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with ExitStack() as stack:
        made = stack.enter_context(grounds())
        # Tests before this one may have had Prefect read its settings.
        stack.enter_context(temporary_settings(updates={PREFECT_API_URL: os.environ["PREFECT_API_URL"]}))
        yield made


def feed_of(column: str, change: Any) -> Feed:
    """Return a feed that changes a column between EVENT and HEALED."""

    def feed(prediction: Prediction, day: float) -> Prediction:
        if not EVENT <= day < HEALED:
            return prediction
        features = dict(prediction.features)
        value = change(features.pop(column))
        return replace(prediction, features=features if value is GONE else {**features, column: value})

    return feed


BY_CHANCE = {"MON304", "MON306"}
"""Each is wrong in at most 1 of 100 passes over slices and estimates, and asks for nothing."""
GONE = object()


def test_nothing_happens(place: Grounds) -> None:
    ended = happen(place, "nothing", PLAIN, first_days=FIRST)
    assert set(ended.decided) == {"quiet"}
    assert ended.codes <= BY_CHANCE
    assert ended.requests == []


def test_a_slow_drift(place: Grounds) -> None:
    town = replace(PLAIN, days=END + 28, drift_days=56)
    ended = happen(place, "slow", town, first_days=FIRST)
    assert ended.codes & {"MON201", "MON202"}
    assert {request.cause for request in ended.requests} <= {"drift", "quality"}
    assert any(training.passed for training in ended.trainings)


def test_a_sudden_drift(place: Grounds) -> None:
    ended = happen(place, "sudden", replace(PLAIN, drift_days=1), first_days=FIRST)
    weeks_before = (EVENT - FIRST) // 7
    assert set(ended.decided[: weeks_before - 1]) == {"quiet"}
    assert "drift" in ended.decided[weeks_before - 1 : weeks_before + 2]
    assert {"MON201"} <= ended.codes
    assert any(training.passed for training in ended.trainings)
    assert ended.losses["after"] > ended.losses["before"] + 0.1
    assert ended.losses["end"] < ended.losses["after"] - 0.1


def test_a_season(place: Grounds) -> None:
    town = Town(days=266, event_day=196, season=0.5)
    ended = happen(place, "season", town, first_days=182)
    assert set(ended.decided) <= {"quiet", "moved"}
    assert ended.requests == []


@pytest.mark.parametrize(
    ("name", "code", "change"),
    [
        ("empty", "MON101", lambda _: None),
        ("gone", "MON109", lambda _: GONE),
        ("text", "MON110", lambda value: f"about {value:.0f}"),
        ("cents", "MON115", lambda value: value * 100),
    ],
)
def test_a_broken_column(place: Grounds, name: str, code: str, change: Any) -> None:
    """A request of the schedule waits until the feed is mended, and is trained then."""
    ended = happen(place, name, PLAIN, first_days=FIRST, feed=feed_of("budget_usd", change), schedule_days=35)
    broken = [one for one in ended.passes if one.decision == "broken_data"]
    weeks = (HEALED - EVENT) // 7
    assert weeks <= len(broken) <= weeks + 1  # the first window after it begins with the last rows of before
    assert all(code in {finding.code for finding in one.findings} for one in broken)
    assert set(ended.decided) == {"quiet", "broken_data"}
    assert {request.cause for request in ended.requests} == {"schedule"}
    assert "broken_data" in ended.rules
    assert all(request.state == "done" for request in ended.requests)
    assert code not in ended.open_codes
    assert code in {incident.code for incident in ended.incidents}


def test_a_new_source(place: Grounds) -> None:
    def table(rows: pd.DataFrame) -> pd.DataFrame:
        taken = (rows["day"] >= EVENT) & (rows.index % 3 == 0)
        return rows.assign(source=rows["source"].where(~taken, "billboard"))

    ended = happen(place, "source", PLAIN, first_days=FIRST, table=table)
    assert "MON212" in ended.codes
    assert "mix" in ended.decided
    assert set(ended.decided) == {"quiet", "mix"}
    assert ended.requests == []


def test_labels_that_come_a_month_later(place: Grounds) -> None:
    ended = happen(place, "late", replace(PLAIN, label_delay=30), first_days=FIRST, schedule_days=14)
    assert "MON305" in ended.codes
    assert set(ended.decided) <= {"quiet"}
    assert {request.cause for request in ended.requests} == {"schedule"}
    assert ended.rules & {"new_labels", "same_data"}
    knew = [request.as_of for request in ended.requests if request.state == "done"]
    assert len(knew) < len(ended.requests)
