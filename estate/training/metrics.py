"""What is measured of each task, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import SpecError
from estate.core.evidence import Measure
from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores

RESAMPLES = 200
TAIL = 0.05
"""Share of the bootstrap outside either end: the interval is a 90 % one."""

_EPSILON = 1e-7


@dataclass(frozen=True)
class Metric:
    """One way to judge scores.

    Parameters
    ----------
    name : str
    function : callable
        From labels of shape (n,) and scores of n rows to a number.
    larger_is_better : bool
    per_row : callable, optional
        From the same to n numbers whose mean the metric is, where it is one.
    """

    name: str
    function: Callable[[Numbers, Scores], float]
    larger_is_better: bool
    per_row: Callable[[Numbers, Scores], Numbers] | None = None

    def improvement(self, ours: float, theirs: float) -> float:
        """Return how much better ours is; negative if it is worse."""
        return ours - theirs if self.larger_is_better else theirs - ours


def log_losses(y: Numbers, scores: Scores) -> Numbers:
    """Negative log likelihood of each row, in nats; two classes or more."""
    if scores.probabilities is None:
        p = np.where(y == 1, scores.score, 1.0 - scores.score)
    else:
        p = scores.probabilities[np.arange(len(y)), y.astype(np.intp)]
    losses: Numbers = -np.log(np.clip(p, _EPSILON, 1.0))
    return losses


def log_loss(y: Numbers, scores: Scores) -> float:
    """Mean negative log likelihood, in nats; two classes or more."""
    return float(log_losses(y, scores).mean())


def squared_errors(y: Numbers, scores: Scores) -> Numbers:
    """Squared distance of each row's score from its label."""
    squares: Numbers = (scores.score - y) ** 2
    return squares


def brier(y: Numbers, scores: Scores) -> float:
    """Mean squared distance of the probability from 0 or 1."""
    return float(squared_errors(y, scores).mean())


def roc_auc(y: Numbers, scores: Scores) -> float:
    """Chance that a positive scores above a negative; ties count half."""
    from scipy.stats import rankdata

    positives = int(y.sum())
    negatives = len(y) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores.score)[y == 1].sum()  # as many pairs won as the ranks are above their least sum
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def pr_auc(y: Numbers, scores: Scores) -> float:
    """Average precision: the share of positives among rows scored as high, mean over the positives."""
    positives = y.sum()
    if not positives:
        return float("nan")
    order = np.argsort(-scores.score, kind="stable")
    score, found = scores.score[order], np.cumsum(y[order])
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))  # tied rows are found together
    found = found[ends]
    return float((np.diff(found, prepend=0.0) * found / (ends + 1)).sum() / positives)


def hits(y: Numbers, scores: Scores) -> Numbers:
    """1 for each row whose most likely class is right (0.5 is the cut if binary), else 0."""
    if scores.probabilities is None:
        right = (scores.score >= 0.5) == (y == 1)
    else:
        right = scores.probabilities.argmax(axis=1) == y
    return np.asarray(right, dtype=np.float64)


def accuracy(y: Numbers, scores: Scores) -> float:
    """Share of rows whose most likely class is right (0.5 is the cut if binary)."""
    return float(hits(y, scores).mean())


def lift_top_decile(y: Numbers, scores: Scores) -> float:
    """Share of positives among the tenth with the highest scores, over their share among all."""
    top = np.argsort(-scores.score, kind="stable")[: max(1, len(y) // 10)]
    return float(y[top].mean() / y.mean()) if y.sum() else float("nan")


def calibration_error(y: Numbers, scores: Scores) -> float:
    """Expected calibration error over 15 bins of equal count, in [0, 1]."""
    bins = np.array_split(np.argsort(scores.score, kind="stable"), 15)
    gaps = [abs(scores.score[rows].mean() - y[rows].mean()) * len(rows) for rows in bins if len(rows)]
    return float(sum(gaps) / len(y))


def absolute_errors(y: Numbers, scores: Scores) -> Numbers:
    """Absolute error of each row, in the label's unit."""
    errors: Numbers = np.abs(scores.score - y)
    return errors


def mae(y: Numbers, scores: Scores) -> float:
    """Mean absolute error, in the label's unit."""
    return float(absolute_errors(y, scores).mean())


def rmse(y: Numbers, scores: Scores) -> float:
    """Root of the mean squared error, in the label's unit."""
    return float(np.sqrt(((scores.score - y) ** 2).mean()))


def r2(y: Numbers, scores: Scores) -> float:
    """Share of the label's variance that is explained."""
    spread = ((y - y.mean()) ** 2).sum()
    return float(1.0 - ((scores.score - y) ** 2).sum() / spread) if spread else float("nan")


_PROBABILITY = (
    Metric("log_loss", log_loss, False, log_losses),
    Metric("brier", brier, False, squared_errors),
    Metric("roc_auc", roc_auc, True),
    Metric("pr_auc", pr_auc, True),
    Metric("accuracy", accuracy, True, hits),
    Metric("lift_top_decile", lift_top_decile, True),
    Metric("calibration_error", calibration_error, False),
)
_CLASSES = (Metric("log_loss", log_loss, False, log_losses), Metric("accuracy", accuracy, True, hits))
_VALUE = (Metric("mae", mae, False, absolute_errors), Metric("rmse", rmse, False), Metric("r2", r2, True))
METRICS: Mapping[Task, tuple[Metric, ...]] = {
    Task.BINARY: _PROBABILITY,
    Task.MULTICLASS: _CLASSES,
    Task.REGRESSION: _VALUE,
}


def metric_named(task: Task, name: str) -> Metric:
    """Return a metric of the task.

    Raises
    ------
    SpecError
        If the task has no such metric.
    """
    for metric in METRICS[task]:
        if metric.name == name:
            return metric
    known = ", ".join(metric.name for metric in METRICS[task])
    raise SpecError(f"metric of a {task} model", expected=f"one of {known}", got=repr(name))


def measure(task: Task, y: Numbers, scores: Scores, *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure everything that the task has, each with its 90 % bootstrap interval."""
    samples = resamples(len(y), seed)
    made = []
    for metric in METRICS[task]:
        if metric.per_row is not None:
            drawn = metric.per_row(y, scores)[samples].mean(axis=1)
        else:
            drawn = np.array([metric.function(y[rows], take(scores, rows)) for rows in samples])
        low, high = np.nanquantile(drawn, [TAIL, 1.0 - TAIL])
        made.append(Measure(metric.name, metric.function(y, scores), float(low), float(high)))
    return tuple(made)


def resamples(rows: int, seed: int, *, count: int = RESAMPLES) -> NDArray[np.intp]:
    """Return row numbers drawn with replacement, shape (count, rows); the same for the same seed."""
    return np.random.default_rng(seed).integers(0, rows, size=(count, rows))


def take(scores: Scores, rows: NDArray[np.intp]) -> Scores:
    """Return the scores of some rows."""
    probabilities = None if scores.probabilities is None else scores.probabilities[rows]
    return Scores(scores.score[rows], probabilities, scores.classes)
