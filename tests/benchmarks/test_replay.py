"""The parts of the replay that need no platform: weeks, floors, measures, goals."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.replay.calls import Calls
from benchmarks.replay.floors import latest_rate
from benchmarks.replay.goals import DRIFT, LATEST_RATE, MONTHLY, NEVER, goals_of
from benchmarks.replay.scores import measure, rolling_loss
from estate.core.frame import Frame
from estate.features.events import DAY_US
from estate.training.data import TrainingData


def calls_on(days: list[float], y: list[float], *, first: int) -> Calls:
    times = (np.array(days) * DAY_US).astype(np.int64)
    frame = Frame({}, len(days))
    entities = np.arange(len(days)).astype(str).astype(object)
    return Calls(
        TrainingData(frame, np.array(y), (), entities, times, len(days), (), frame),
        first,
    )


def test_weeks_cover_every_call_once_and_skip_those_without() -> None:
    calls = calls_on([0, 1, 2, 8, 8.5, 30], [0] * 6, first=2)
    steps = list(calls.steps())
    assert [(step.start, step.stop) for step in steps] == [(2, 4), (4, 5), (5, 6)]
    assert steps[0].moment == datetime(1970, 1, 2, tzinfo=UTC)


def test_no_call_of_a_step_is_known_at_its_moment() -> None:
    calls = calls_on([0, 1, 8, 15, 15.5], [0] * 5, first=2)
    for step in calls.steps():
        known = calls.data.times <= int(step.moment.timestamp() * 1e6)
        assert known.sum() == step.start


def test_the_latest_rate_knows_nothing_of_the_week_that_it_answers() -> None:
    calls = calls_on([0, 1, 2, 9], [0, 1, 1, 1], first=2)
    assert latest_rate(calls, list(calls.steps())).tolist() == [0.5, pytest.approx(2 / 3)]


def test_a_constant_that_follows_the_rate_orders_months_but_no_calls_within_one() -> None:
    months = np.array(["2008-05"] * 100 + ["2010-05"] * 100, dtype="datetime64[M]")
    y = np.array([0.0] * 95 + [1.0] * 5 + [0.0] * 50 + [1.0] * 50)
    found = measure(y, np.repeat([0.05, 0.5], 100), months)
    assert found["roc_auc"] > 0.75
    assert found["roc_auc_in_month"] == 0.5


def test_rolling_loss_is_the_mean_of_each_stretch() -> None:
    y, p = np.array([1.0, 1.0, 0.0]), np.array([0.5, 0.25, 0.5])
    expected = [np.log(8) / 2, np.log(8) / 2]
    assert rolling_loss(y, p, rows=2).tolist() == pytest.approx(expected)


def test_goals_are_judged_from_the_rows() -> None:
    def row(name: str, loss: float, trainings: int = 0) -> dict[str, object]:
        areas = {"roc_auc": 0.7, "roc_auc_in_month": 0.6}
        return {"retrained": name, "log_loss": loss, **areas, "trainings": trainings}

    rows = [row(NEVER, 0.5), row(MONTHLY, 0.4, 10), row(DRIFT, 0.41, 20), row(LATEST_RATE, 0.4)]
    goals = {str(goal["goal"]): goal for goal in goals_of(rows)}
    met = [goal["met"] for goal in goals.values()]
    assert met == [True, False, False, False, False, False]
    assert all(" at most " in text or " at least " in text for text in goals)
