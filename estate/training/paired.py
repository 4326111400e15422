"""How much better one model is than another on the same rows, with an interval.

The rows are the same for both, so what is uncertain is the difference, not the two values. Three methods:

DeLong's paired variance
    for ROC AUC, which is a mean over pairs of rows.
Studentised paired bootstrap
    for metrics that are a mean over rows: the differences of the rows are drawn with replacement.
Paired bootstrap of the metric
    for every other one: both sides are measured anew on each resample.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from estate.core.evidence import Measure
from estate.core.frame import Numbers
from estate.core.prediction import Scores
from estate.training.metrics import TAIL, Metric, take

_BEYOND = 50
"""Resamples that lie beyond either end of an interval: fewer would make the end itself uncertain."""
_RESAMPLES_MOST = 20_000
_CHUNK = 2_000_000


def paired_gain(
    metric: Metric, y: Numbers, pair: tuple[Scores, Scores], *, tail: float = TAIL, seed: int = 0
) -> Measure:
    """Measure how much better the first of two is on the same rows.

    Parameters
    ----------
    metric : Metric
    y : float64 array of shape (n,)
    pair : tuple of Scores
        Ours and theirs, n rows each.
    tail : float
        Chance that the truth lies beyond one end of the interval; 0.05 gives a 90 % interval.
    seed : int
        Of the resamples.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988), "Comparing the areas under two or more correlated receiver
    operating characteristic curves", Biometrics 44; in the fast form of Sun, Xu (2014), "Fast implementation
    of DeLong's algorithm", IEEE Signal Processing Letters 21.
    Efron, Tibshirani (1993), "An introduction to the bootstrap", chapters 12 (studentised) and 13.
    """
    ours, theirs = (metric.function(y, scores) for scores in pair)
    gain = metric.improvement(ours, theirs)
    if metric.name == "roc_auc":
        half = _normal_quantile(tail) * _delong_error(y, pair)
        return Measure(metric.name, gain, gain - half, gain + half)
    count = min(ceil(_BEYOND / tail), _RESAMPLES_MOST)
    if metric.per_row is not None:
        mine, other = (metric.per_row(y, scores) for scores in pair)
        gains = mine - other if metric.larger_is_better else other - mine
        return Measure(metric.name, gain, *_studentised_ends(gains, tail, count, seed=seed))
    gains = _gains_of_resamples(metric, y, pair, count, seed=seed)
    low, high = np.nanquantile(gains, [tail, 1.0 - tail])
    return Measure(metric.name, gain, float(low), float(high))


def method_of(metric: Metric) -> str:
    """Return how :func:`paired_gain` comes to its interval, for a person."""
    if metric.name == "roc_auc":
        return "DeLong's paired variance"
    return "studentised paired bootstrap" if metric.per_row else "paired bootstrap"


def _normal_quantile(tail: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(tail))


def _delong_error(y: Numbers, pair: tuple[Scores, Scores]) -> float:
    """Return the standard error of the difference of two areas; NaN with one class only."""
    positive = y == 1
    if min(positive.sum(), (~positive).sum()) < 2:
        return float("nan")
    ours, theirs = (_placements(scores.score, positive) for scores in pair)
    variances = [
        float(np.var(mine - other, ddof=1)) / len(mine) for mine, other in zip(ours, theirs, strict=True)
    ]
    return float(np.sqrt(sum(variances)))


def _placements(score: Numbers, positive: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[Numbers]:
    """Return, for each positive, the share of negatives below it; for each negative, of positives above."""
    from scipy.stats import rankdata

    among_all = rankdata(score)
    shares = []
    for own, sign in ((positive, 1.0), (~positive, -1.0)):
        others = len(score) - int(own.sum())
        below = (among_all[own] - rankdata(score[own])) / others
        shares.append(below if sign > 0 else 1.0 - below)
    return shares


def _studentised_ends(gains: Numbers, tail: float, count: int, *, seed: int) -> tuple[float, float]:
    """Return the ends of the interval of the mean of these rows' gains.

    Each resample's mean is taken in units of its own standard error: where few rows decide, such as rare
    positives, gains are skewed, and plain quantiles of the means would let too many through.
    """
    mean, error, n = float(gains.mean()), float(gains.std() / np.sqrt(len(gains))), len(gains)
    if error == 0:
        return mean, mean
    random, step = np.random.default_rng(seed), max(1, _CHUNK // n)
    ratios = np.empty(count)
    for start in range(0, count, step):
        size = min(step, count - start)
        drawn = gains[random.integers(0, n, size=(size, n), dtype=np.int32)]
        means = drawn.mean(axis=1)
        spread = np.sqrt(np.maximum(np.einsum("ij,ij->i", drawn, drawn) / n - means**2, 0.0) / n)
        away = means - mean
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios[start : start + size] = np.where(spread > 0, away / spread, np.sign(away) * np.inf)
    ratios.sort()
    beyond = int(tail * count)  # as many resamples lie outside of each end, or one fewer: the wider way
    return mean - float(ratios[count - beyond]) * error, mean - float(ratios[beyond - 1]) * error


def _gains_of_resamples(
    metric: Metric, y: Numbers, pair: tuple[Scores, Scores], count: int, *, seed: int
) -> Numbers:
    random = np.random.default_rng(seed)
    gains = np.empty(count)
    for i in range(count):
        rows = random.integers(0, len(y), size=len(y))
        ours, theirs = (metric.function(y[rows], take(scores, rows)) for scores in pair)
        gains[i] = metric.improvement(ours, theirs)
    return gains
