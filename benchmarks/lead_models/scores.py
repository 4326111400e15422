"""What is measured of scores, with bootstrap intervals; the same draws of rows for all who are compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from estate.core.frame import Numbers
from estate.core.prediction import Scores
from estate.training.metrics import log_loss, roc_auc

DRAWS = 300
TAIL = 0.025
Measure = Callable[[Numbers, Numbers], float]
"""From labels and scores, both of shape (n,), to a number."""
Interval = tuple[float, float]


def _mae(y: Numbers, scores: Numbers) -> float:
    return float(np.abs(scores - y).mean())


def _median_ape(y: Numbers, scores: Numbers) -> float:
    return float(np.median(np.abs(scores - y) / y))


MEASURES: dict[str, tuple[Measure, bool]] = {
    "roc_auc": (lambda y, scores: roc_auc(y, Scores(scores)), True),
    "log_loss": (lambda y, scores: log_loss(y, Scores(scores)), False),
    "mae": (_mae, False),
    "median_ape": (_median_ape, False),
}
"""By name; with whether larger is better."""


def measured(name: str, y: Numbers, scores: Numbers) -> tuple[float, Interval]:
    """Return a measure and its 95 % bootstrap interval."""
    function, _ = MEASURES[name]
    return function(y, scores), _interval([function(y[at], scores[at]) for at in _draws(len(y))])


def behind(name: str, y: Numbers, ours: Numbers, theirs: Numbers) -> tuple[float, Interval]:
    """Return by how much theirs is better than ours, with the 95 % interval of the paired bootstrap."""
    function, larger = MEASURES[name]
    sign = 1.0 if larger else -1.0
    drawn = [sign * (function(y[at], theirs[at]) - function(y[at], ours[at])) for at in _draws(len(y))]
    return sign * (function(y, theirs) - function(y, ours)), _interval(drawn)


def _draws(n: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, n, n) for _ in range(DRAWS)]


def _interval(values: list[float]) -> Interval:
    low, high = np.quantile(values, [TAIL, 1.0 - TAIL])
    return float(low), float(high)
