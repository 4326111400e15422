"""The intervals of paired gains: right on average, and the same by each method."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.metrics import Metric, metric_named, roc_auc
from estate.training.paired import method_of, paired_gain


def pair_of(seed: int, *, rows: int = 1500) -> tuple[Numbers, tuple[Scores, Scores]]:
    random = np.random.default_rng(seed)
    y = (random.random(rows) < 0.3).astype(np.float64)
    shared = random.standard_normal(rows)
    scores = [Scores(expit(y + shared + noise * random.standard_normal(rows) - 1.5)) for noise in (0.5, 0.8)]
    return y, (scores[0], scores[1])


def test_delong_agrees_with_a_bootstrap_of_the_area() -> None:
    y, (ours, theirs) = pair_of(0)
    pair = (Scores(ours.score.round(2)), Scores(theirs.score.round(2)))  # ties among the scores
    exact = paired_gain(metric_named(Task.BINARY, "roc_auc"), y, pair)
    drawn = paired_gain(Metric("area", roc_auc, True), y, pair)
    assert exact.value == pytest.approx(drawn.value)
    assert (exact.low, exact.high) == pytest.approx((drawn.low, drawn.high), abs=0.003)


def test_delong_is_the_variance_of_its_paper() -> None:
    """Computed by hand, over all pairs of a positive and a negative."""
    y, (ours, theirs) = pair_of(1, rows=60)
    wins = [(np.sign(s.score[y == 1][:, None] - s.score[y == 0][None, :]) + 1) / 2 for s in (ours, theirs)]
    difference = wins[0] - wins[1]
    by_row, by_column = difference.mean(axis=1), difference.mean(axis=0)
    error = np.sqrt(by_row.var(ddof=1) / len(by_row) + by_column.var(ddof=1) / len(by_column))
    gain = paired_gain(metric_named(Task.BINARY, "roc_auc"), y, (ours, theirs))
    assert gain.value == pytest.approx(difference.mean())
    assert gain.value - gain.low == pytest.approx(1.6448536 * error)


@pytest.mark.parametrize("name", ["log_loss", "brier", "accuracy", "mae"])
def test_the_bootstrap_of_rows_is_that_of_the_metric(name: str) -> None:
    metric = metric_named(Task.REGRESSION if name == "mae" else Task.BINARY, name)
    y, pair = pair_of(2)
    rows = paired_gain(metric, y, pair)
    whole = paired_gain(Metric(name, metric.function, metric.larger_is_better), y, pair)
    assert (rows.value, rows.low, rows.high) == pytest.approx((whole.value, whole.low, whole.high), abs=0.002)
    assert rows.low < rows.value < rows.high


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "pr_auc"])
def test_a_smaller_tail_asks_for_more_and_twins_gain_nothing(name: str) -> None:
    metric = metric_named(Task.BINARY, name)
    y, (ours, theirs) = pair_of(3, rows=400)
    lows = [paired_gain(metric, y, (ours, theirs), tail=tail).low for tail in (0.05, 0.0125)]
    assert lows[1] < lows[0]
    assert paired_gain(metric, y, (ours, ours)).low == 0.0


def test_every_method_is_named() -> None:
    said = {name: method_of(metric_named(Task.BINARY, name)) for name in ("roc_auc", "brier", "pr_auc")}
    assert len(set(said.values())) == 3


def test_one_class_alone_can_not_be_better() -> None:
    _, pair = pair_of(4)
    gain = paired_gain(metric_named(Task.BINARY, "roc_auc"), np.zeros(1500), pair)
    assert not gain.low > 0
