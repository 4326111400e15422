"""How far answers may be off: measured on the frozen rows, which the model was not fitted on.

The rows are those that the gate judges on. What holds for them holds for cases to come as far as these are
like them; the watch looks after that.

References
----------
Lei, G'Sell, Rinaldo, Tibshirani, Wasserman (2018), "Distribution-Free Predictive Inference for Regression",
JASA 113: split conformal. Vovk, Gammerman, Shafer (2005), "Algorithmic Learning in a Random World": by bin
("Mondrian"). Sadinle, Lei, Wasserman (2019), "Least Ambiguous Set-Valued Classifiers with Bounded Error
Levels", JASA 114: sets of labels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from estate.bundles.intervals import MOST_FACTOR, Interval, LabelSet, RateInterval, ValueInterval
from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.rates import rate_of

MOST_BINS = 10
EVIDENCE = 16.0
"""Of a bin of a binary model: the sum of p (1 - p) over its rows, such as 64 rows at 0.5, 178 at 0.1."""
LEAST_ROWS = 30
VALUE_ROWS = 200
"""Of a bin of a regression, so that the bin's own coverage stays within 2 % or so of the level."""
_INSIDE = 1e-6


def interval_of(task: Task, y: Numbers, scores: Scores, level: float) -> Interval | None:
    """Return the interval of a model's answers; None if the rows are too few to tell.

    Parameters
    ----------
    task : Task
    y : float64 array of shape (n,)
        Labels of the frozen rows, as in :class:`estate.training.data.TrainingData`.
    scores : Scores
        Of the same rows, by the predictor that will answer.
    level : float
        In (0.5, 1).
    """
    match task:
        case Task.BINARY:
            return rate_interval(y, scores.score, level)
        case Task.REGRESSION:
            return value_interval(y, scores.score, level)
        case Task.MULTICLASS:
            assert scores.probabilities is not None
            return label_set(y, scores.probabilities, level)


def rate_interval(y: Numbers, score: Numbers, level: float) -> RateInterval | None:
    """Bin the scores, and measure in each bin how often they came true.

    Where bins part follows from the scores alone: a bin's outcomes had no say in where it ends.
    """
    if len(y) < LEAST_ROWS:
        return None
    p = np.clip(score, _INSIDE, 1.0 - _INSIDE)
    edges = _even_evidence(p)
    at = np.searchsorted(edges, p, side="right")
    bins = tuple(rate_of(float(y[at == i].sum()), int((at == i).sum()), level) for i in range(len(edges) + 1))
    return RateInterval(
        level=level,
        edges=tuple(edges.tolist()),
        low=tuple(_odds_factor(p[at == i], rate.low) for i, rate in enumerate(bins)),
        high=tuple(_odds_factor(p[at == i], rate.high) for i, rate in enumerate(bins)),
        least=float(p.min()),
        most=float(p.max()),
        bins=bins,
    )


def value_interval(y: Numbers, predicted: Numbers, level: float) -> ValueInterval | None:
    """Bin the predictions, and take of each bin the error that the level's share of rows does not exceed."""
    least = math.ceil(level / (1.0 - level))  # with fewer rows no error is large enough
    if len(y) < max(least, LEAST_ROWS):
        return None
    count = min(MOST_BINS, max(1, len(y) // max(VALUE_ROWS, 2 * least)))
    cuts = np.sort(predicted)[np.arange(1, count) * len(y) // count]
    edges = _thick_enough(np.unique(cuts), predicted, np.ones(len(y)), len(y) / (2.0 * count))
    at, errors = np.searchsorted(edges, predicted, side="right"), np.abs(y - predicted)
    radius = tuple(_conformal(errors[at == i], level) for i in range(len(edges) + 1))
    return ValueInterval(level=level, edges=tuple(edges.tolist()), radius=radius, rows=len(y))


def label_set(y: Numbers, probabilities: Numbers, level: float) -> LabelSet | None:
    """Return from which probability on a label belongs to the set."""
    if len(y) < max(math.ceil(level / (1.0 - level)), LEAST_ROWS):
        return None
    of_truth = probabilities[np.arange(len(y)), y.astype(np.intp)]
    least = min(max(1.0 - _conformal(1.0 - of_truth, level), 0.0), 1.0)
    return LabelSet(level=level, least=float(np.nextafter(least, 0.0)), rows=len(y))


def _conformal(errors: Numbers, level: float) -> float:
    """Return the quantile that an error of one more row does not exceed with a chance of the level."""
    rank = math.ceil((len(errors) + 1) * level)
    return float(np.sort(errors)[rank - 1])


def _even_evidence(p: Numbers) -> Numbers:
    """Part scores so that each bin tells about as much of its rate: many rows of rare cases, or few."""
    rising = np.sort(p)
    worth = np.cumsum(rising * (1.0 - rising))
    count = min(MOST_BINS, max(1, int(worth[-1] // EVIDENCE)))
    at = np.searchsorted(worth, worth[-1] * np.arange(1, count) / count)
    return _thick_enough(np.unique(rising[at]), p, p * (1.0 - p), EVIDENCE / 2.0)


def _thick_enough(edges: Numbers, values: Numbers, worth: Numbers, least: float) -> Numbers:
    """Leave out edges beside which too little would be left: many rows may have one and the same value."""
    kept: list[float] = []
    at: NDArray[np.intp] = np.searchsorted(edges, values, side="right")
    inside = np.bincount(at, weights=worth, minlength=len(edges) + 1)
    behind, gathered = float(inside.sum()), 0.0
    for edge, here in zip(edges.tolist(), inside.tolist(), strict=False):
        gathered, behind = gathered + here, behind - here
        if gathered >= least and behind >= least:
            kept.append(edge)
            gathered = 0.0
    return np.asarray(kept, dtype=np.float64)


def _odds_factor(p: Numbers, mean: float) -> float:
    """Return by what the odds of scores are to be multiplied so that these have the given mean."""
    from scipy.optimize import brentq

    if mean <= 0.0:
        return 0.0

    def beyond(log_factor: float) -> float:
        odds = p / (1.0 - p) * np.exp(log_factor)
        return float((odds / (1.0 + odds)).mean() - mean)

    most = math.log(MOST_FACTOR)
    if beyond(most) <= 0.0:
        return MOST_FACTOR
    return 0.0 if beyond(-most) >= 0.0 else math.exp(float(brentq(beyond, -most, most)))
