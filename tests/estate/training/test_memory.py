"""How far back a training learns is backtested: fading worlds want recent rows, steady ones want all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.features.events import DAY_US
from estate.training.data import TrainingData
from estate.training.fit import fit
from estate.training.memory import OWN, Memory, choose_memory
from estate.training.split import split_by_time

ROWS = 6000


def _estimator(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=500)


SPEC = ModelSpec(
    name="fading",
    purpose="A world that turns, or does not.",
    task=Task.BINARY,
    source=TableSource(path="none.csv", label="y", time="at"),
    features=FeatureSet(numbers=("a", "b"), categories=()),
    estimator=_estimator,
    gate=Gate(metric="log_loss"),
)


def _world(*, turns: bool, seed: int = 0) -> TrainingData:
    """Rows of 300 days; where the world turns, `a` means the opposite in the last half."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, ROWS))
    sign = np.where(np.arange(ROWS) > ROWS // 2, -1.0, 1.0) if turns else np.ones(ROWS)
    y = (rng.random(ROWS) < 1 / (1 + np.exp(-(2.0 * sign * a + 0.5 * b)))).astype(np.float64)
    frame = Frame({"a": a, "b": b}, ROWS)
    times = (np.arange(ROWS) * (300 * DAY_US / ROWS)).astype(np.int64)
    ids = np.array([str(i) for i in range(ROWS)], dtype=object)
    return TrainingData(frame, y, (), ids, times, ROWS, ("a", "b"), frame)


def test_a_world_that_turned_is_learned_from_its_recent_rows_or_with_weights_that_fade() -> None:
    choice = choose_memory(SPEC, split_by_time(SPEC, _world(turns=True)))
    assert choice.memory != OWN
    losses = dict(choice.losses)
    assert losses[choice.memory.name] < 0.9 * losses[OWN.name]
    assert choice.memory.name in choice.sentence


@pytest.mark.parametrize("seed", range(6))
def test_a_steady_world_keeps_all_its_rows(seed: int) -> None:
    """Chance alone must not throw rows away: fewer rows are never better here."""
    assert choose_memory(SPEC, split_by_time(SPEC, _world(turns=False, seed=seed))).memory == OWN


def test_the_chosen_memory_is_better_on_rows_that_nobody_looked_at() -> None:
    parts = split_by_time(SPEC, _world(turns=True))
    chosen = choose_memory(SPEC, parts).memory

    def loss(memory: Memory) -> float:
        trained = fit(memory.spec(SPEC), memory.of(parts))
        p = trained.predict_matrix(trained.encoder.matrix(parts.holdout.features)).score
        return float(-np.log(np.where(parts.holdout.y == 1, p, 1 - p)).mean())

    assert loss(chosen) < 0.9 * loss(OWN)


def test_the_holdout_is_not_looked_at() -> None:
    """Whatever the frozen rows say, the choice is the same."""
    data = _world(turns=True)
    parts = split_by_time(SPEC, data)
    other = split_by_time(SPEC, data)
    other.holdout.y[:] = 1 - other.holdout.y
    assert choose_memory(SPEC, parts) == choose_memory(SPEC, other)


def test_too_few_rows_keep_the_specs_own_memory() -> None:
    data = _world(turns=True).take(np.arange(300))
    choice = choose_memory(SPEC, split_by_time(SPEC, data))
    assert choice.memory == OWN
    assert "no backtest" in choice.sentence
