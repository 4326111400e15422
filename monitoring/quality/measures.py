"""The task's metrics on ripe rows, with intervals whose cost does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from estate.core.evidence import Measure
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.core.prediction import Scores
from estate.training.metrics import METRICS, TAIL, Metric, calibration_error, resamples

LEAST_ROWS = 50
LEAST_POSITIVES = 10
"""Fewer ripe rows, or rows of either class, are not measured."""
RESAMPLED_MOST = 5_000
"""Of more rows a sample is resampled, and what comes out is narrowed by the root of the two sizes."""


def _right(y: Numbers, _: Scores) -> Numbers:
    return y


def _share_right(y: Numbers, _: Scores) -> float:
    return float(y.mean())


# A multiclass answer is kept as its class and how sure it was; that is a binary answer: is the class right?
_CONFIDENCE = (
    Metric("accuracy", _share_right, True, _right),
    Metric("calibration_error", calibration_error, False),
)


def metrics_of(task: Task) -> tuple[Metric, ...]:
    """Return what can be measured of kept answers: of multiclass ones not the log loss."""
    return _CONFIDENCE if task is Task.MULTICLASS else METRICS[task]


def judged_metric(spec: ModelSpec) -> Metric:
    """Return the gate's metric, or the nearest one that kept answers allow."""
    known = {metric.name: metric for metric in metrics_of(spec.task)}
    if spec.gate.metric in known and spec.gate.metric != "calibration_error":
        return known[spec.gate.metric]
    return next(iter(known.values()))


def measurable(task: Task, y: Numbers) -> bool:
    """Return whether there are enough rows, and of each class.

    Examples
    --------
    >>> measurable(Task.BINARY, np.zeros(1000)), measurable(Task.REGRESSION, np.zeros(1000))
    (False, True)
    """
    if len(y) < LEAST_ROWS or task is Task.REGRESSION:
        return len(y) >= LEAST_ROWS
    positives = int(y.sum())
    return task is Task.MULTICLASS or min(positives, len(y) - positives) >= LEAST_POSITIVES


def measured(metrics: Sequence[Metric], y: Numbers, score: Numbers, *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure each metric with its 90 % bootstrap interval.

    Parameters
    ----------
    metrics : sequence of Metric
    y, score : float64 array of shape (n,)
        Ripe rows.
    """
    made = []
    for metric in metrics:
        value = metric.function(y, Scores(score))
        away = deviations(_of(metric), (y, score), seed=seed)
        low, high = value + np.nanquantile(away, [TAIL, 1.0 - TAIL])
        made.append(Measure(metric.name, value, float(low), float(high)))
    return tuple(made)


def _of(metric: Metric) -> Callable[[Numbers, Numbers], float]:
    return lambda y, score: metric.function(y, Scores(score))


def deviations(
    function: Callable[..., float], columns: Sequence[Numbers], *, seed: int = 0, count: int = 200
) -> Numbers:
    """Return how far a function of n rows strays when rows are drawn anew, shape (count,).

    Parameters
    ----------
    function : callable
        Of as many arrays of shape (m,) as there are columns.
    columns : sequence of float64 array of shape (n,)

    References
    ----------
    Bickel, Götze, van Zwet (1997), "Resampling fewer than n observations: gains, losses, and remedies for
    losses", Statistica Sinica 7: that the deviations of a smaller sample can be scaled.
    """
    rows = len(columns[0])
    few = sampled(rows, seed)
    base = [column[few] for column in columns]
    centre = function(*base)
    drawn = np.array([function(*(column[i] for column in base)) for i in _drawn(len(few), seed, count)])
    away: Numbers = (drawn - centre) * np.sqrt(len(few) / rows)
    return away


def sampled(rows: int, seed: int) -> NDArray[np.intp]:
    """Return all row numbers, or of many a random sample in order."""
    if rows <= RESAMPLED_MOST:
        return np.arange(rows)
    return np.sort(np.random.default_rng([seed, rows]).choice(rows, RESAMPLED_MOST, replace=False))


def _drawn(rows: int, seed: int, count: int) -> Iterator[NDArray[np.intp]]:
    yield from resamples(rows, seed, count=count)
