"""Steps never let a training know an outcome before it was ripe, and never skip or repeat a row."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from estate.core.errors import ContractError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec, TableSource, Task
from estate.features.events import DAY_US
from estate.training.data import TrainingData
from rehearsal.recording import Recording, recorded

SPEC = ModelSpec(
    name="sales",
    purpose="Sales.",
    task=Task.BINARY,
    source=TableSource(path="none.csv", label="y", time="at", horizon_days=10.0),
    features=FeatureSet(numbers=("a",), categories=()),
    estimator=lambda seed: None,
)


def _recording(step_days: float = 7.0) -> Recording:
    rng = np.random.default_rng(0)
    times = np.sort(rng.integers(0, 200 * DAY_US, 1000)).astype(np.int64)
    times[times > 90 * DAY_US] += 30 * DAY_US  # a month without a row
    frame = Frame({"a": rng.normal(size=1000)}, 1000)
    ids = np.array([str(i) for i in range(1000)], dtype=object)
    y = (rng.random(1000) < 0.3).astype(np.float64)
    data = TrainingData(frame, y, (), ids, times, 1000, ("a",), frame)
    return Recording(SPEC, data, 200, step_days)


@pytest.mark.parametrize("step_days", [1.0, 7.0, 45.0])
def test_steps_follow_each_other_without_a_gap(step_days: float) -> None:
    recording = _recording(step_days)
    steps = list(recording.steps())
    assert steps[-1].stop == 1000
    assert all(one.stop == other.start for one, other in itertools.pairwise(steps))
    assert all(step.stop > step.start for step in steps)


def test_no_row_is_known_before_its_outcome_is_ripe() -> None:
    recording = _recording()
    for step in recording.steps():
        known = recording.known_at(step.moment)
        ripe = known.times.max() / 1e6 + timedelta(days=10).total_seconds()
        assert ripe <= step.moment.timestamp()
        waits = int((recording.data.times[: step.start] > known.times.max()).sum())
        assert len(known) + waits == step.start
    assert any(len(recording.known_at(step.moment)) < step.start for step in recording.steps())


def test_rows_of_a_step_come_after_its_moment() -> None:
    recording = _recording()
    for step in recording.steps():
        inside = recording.data.times[step.start : step.stop] / 1e6
        assert step.moment.timestamp() < inside.min()
        assert inside.max() <= (step.moment + timedelta(days=7)).timestamp()


def test_a_source_without_time_is_refused() -> None:
    spec = replace(SPEC, source=TableSource(path="none.csv", label="y"))
    with pytest.raises(ContractError, match="expected rows with a `time`"):
        recorded(spec, None)
