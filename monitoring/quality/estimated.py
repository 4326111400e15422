"""What calibrated scores say of themselves: the metrics to be expected before any outcome is known.

If scores come true as often as they say, the label of a row with score p is 1 with probability p, and the
expectation of every metric follows from the scores alone. It knows of changes in the cases that are asked
about;
it can't know of a change in how cases turn out, for then the scores are no longer calibrated
(:mod:`monitoring.quality.trust`).

References
----------
NannyML, "Confidence-based performance estimation", https://nannyml.readthedocs.io (how it works). Ours
differs in two
things: no row makes a pair with itself in ROC AUC, and the interval is of the metric once labels are ripe.
"""

from __future__ import annotations

import numpy as np

from estate.core.evidence import Measure
from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.metrics import TAIL, Metric
from monitoring.quality.measures import RESAMPLED_MOST, deviations, sampled
from monitoring.quality.skill import Skill, constant_at, entropy, skill, skill_function

ESTIMABLE = ("log_loss", "brier", "roc_auc", "pr_auc", "accuracy", "lift_top_decile")


def expected(metric: str, p: Numbers) -> float:
    """Return the metric that calibrated scores let expect.

    Parameters
    ----------
    metric : str
        One of ``ESTIMABLE``; those that are ratios are ratios of two expectations.
    p : float64 array of shape (n,)
        Probabilities in [0, 1].

    Examples
    --------
    >>> p = np.array([0.1, 0.9])
    >>> [round(expected(name, p), 3) for name in ("log_loss", "brier", "accuracy", "roc_auc")]
    [0.325, 0.09, 0.9, 0.988]
    """
    match metric:
        case "log_loss":
            return float(entropy(p).mean())
        case "brier":
            return float((p * (1.0 - p)).mean())
        case "accuracy":
            return float(np.where(p >= 0.5, p, 1.0 - p).mean())
        case "roc_auc":
            return _roc_auc(p)
        case "pr_auc":
            return _pr_auc(p)
        case "lift_top_decile":
            top = np.argsort(-p, kind="stable")[: max(1, len(p) // 10)]
            return float(p[top].mean() / p.mean()) if p.sum() else float("nan")
        case _:
            raise ValueError(metric)


def _roc_auc(p: Numbers) -> float:
    """Return the expected pairs that are won over the expected pairs; a row makes no pair with itself."""
    score, of = np.unique(p, return_inverse=True)
    positive = np.bincount(of, weights=p, minlength=len(score))
    negative = np.bincount(of, weights=1.0 - p, minlength=len(score))
    alone = float((p * (1.0 - p)).sum())
    below = np.cumsum(negative) - negative
    won = float((positive * (below + 0.5 * negative)).sum()) - 0.5 * alone
    pairs = float(p.sum() * (1.0 - p).sum()) - alone
    return won / pairs if pairs > 0 else float("nan")


def _pr_auc(p: Numbers) -> float:
    """Return the expected precision at each positive: a positive counts itself, those before it by chance."""
    ordered = np.sort(p)[::-1]
    before = np.cumsum(ordered) - ordered
    precise = (1.0 + before) / np.arange(1, len(p) + 1)
    return float((ordered * precise).sum() / ordered.sum()) if ordered.sum() else float("nan")


def expected_skill(metric: str, p: Numbers) -> float:
    """Return the expected metric on the scale of :mod:`monitoring.quality.skill`."""
    return skill(metric, expected(metric, p), constant_at(metric, float(p.mean())))


def estimated_skill(metric: str, p: Numbers, *, seed: int = 0) -> Skill:
    """Return the expected skill; its error is that of the rows alone, for no label is involved."""
    away = deviations(lambda rows: expected_skill(metric, rows), (p,), seed=seed)
    return Skill(expected_skill(metric, p), float(np.nanstd(away)), len(p))


def estimated(metric: Metric, p: Numbers, *, seed: int = 0, count: int = 200) -> Measure:
    """Estimate a metric, with the interval in which 90 % of such windows will lie once they are ripe."""
    value = expected(metric.name, p)
    few = p[sampled(len(p), seed)]
    drawn = metric_draws(metric, few, seed=seed, count=count, anew=True)
    away = (drawn - expected(metric.name, few)) * np.sqrt(min(1.0, RESAMPLED_MOST / len(p)))
    low, high = value + np.nanquantile(away, [TAIL, 1.0 - TAIL])
    return Measure(metric.name, value, float(low), float(high))


def metric_draws(metric: Metric, p: Numbers, *, seed: int, count: int, anew: bool = False) -> Numbers:
    """Return the metric of labels drawn by their scores, shape (count,); ``anew``: rows are drawn too."""
    random = np.random.default_rng([seed, 1])
    found = np.empty(count)
    for i in range(count):
        rows = p[random.integers(0, len(p), len(p))] if anew else p
        found[i] = metric.function((random.random(len(p)) < rows).astype(np.float64), Scores(rows))
    return found


def skill_once_ripe(metric: Metric, p: Numbers, *, seed: int = 0) -> Skill:
    """Return the skill that such rows will show once they are ripe, with the error that labels bring."""
    of, few = skill_function(Task.BINARY, metric), p[sampled(len(p), seed)]
    random = np.random.default_rng([seed, 3])
    drawn = []
    for _ in range(200):
        rows = few[random.integers(0, len(few), len(few))]
        drawn.append(of((random.random(len(rows)) < rows).astype(np.float64), rows))
    return Skill(float(np.nanmean(drawn)), float(np.nanstd(drawn)), len(few))
