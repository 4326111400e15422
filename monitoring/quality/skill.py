"""How much better than knowing nothing: the scale on which a fall of quality is counted.

"Below 0.9 of its baseline" means nothing for a loss: a log loss grows with the share of positives though
the model
is as good as before, and a weak model's loss is within a tenth of that of a constant. So every metric is put
on the
scale from a constant answer (0) to a perfect one (1), with the constant taken on the same rows:

===========================  =====================================================================
log_loss, brier, mae, rmse   1 - value / value of the best constant
roc_auc                      2 value - 1
pr_auc                       (value - share of positives) / (1 - share of positives)
accuracy                     (value - share of the larger class) / (1 - share of the larger class)
lift_top_decile              value - 1
r2                           value
===========================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from estate.core.evidence import Evidence, Measure
from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.metrics import Metric
from monitoring.quality.measures import deviations


@dataclass(frozen=True)
class Skill:
    """A metric on the scale from a constant to perfect.

    Parameters
    ----------
    value : float
        At most 1; negative where a constant would do better.
    error : float
        Standard error of the value.
    rows : int
        It was measured on.
    """

    value: float
    error: float
    rows: int


def skill(metric: str, value: float, constant: float) -> float:
    """Return a metric's value on that scale.

    Examples
    --------
    >>> skill("log_loss", 0.18, 0.20).__round__(3), skill("roc_auc", 0.8, 0.5).__round__(3)
    (0.1, 0.6)
    """
    match metric:
        case "log_loss" | "brier" | "mae" | "rmse":
            return 1.0 - value / constant if constant > 0 else float("nan")
        case "lift_top_decile":
            return value - 1.0
        case _:
            return (value - constant) / (1.0 - constant) if constant < 1 else float("nan")


def constant_of(metric: str, y: Numbers) -> float:
    """Return the metric of the best constant for these labels, made up for its having seen them."""
    n = len(y)
    match metric:
        case "mae":
            return float(np.abs(y - np.median(y)).mean())
        case "rmse":
            return float(y.std(ddof=1)) if n > 1 else float("nan")
        case "r2":
            return 0.0
        case _:
            return constant_at(metric, float(y.mean()), n)


def constant_at(metric: str, rate: float, rows: float = np.inf) -> float:
    """Return the metric of the best constant where so large a share is positive.

    Parameters
    ----------
    rate : float
        In [0, 1].
    rows : float
        That the rate was counted on: entropy and variance come out too small by about ``1 / rows``
        (Miller 1955).

    Examples
    --------
    >>> [round(constant_at(name, 0.1), 3) for name in ("log_loss", "brier", "roc_auc", "pr_auc", "accuracy")]
    [0.325, 0.09, 0.5, 0.1, 0.9]
    """
    match metric:
        case "log_loss":
            return float(entropy(np.array([rate]))[0]) + 0.5 / rows
        case "brier":
            return rate * (1.0 - rate) * (1.0 if np.isinf(rows) else rows / max(rows - 1, 1))
        case "roc_auc":
            return 0.5
        case "accuracy":
            return max(rate, 1.0 - rate)
        case "pr_auc":
            return rate
        case _:
            return 1.0


def entropy(p: Numbers) -> Numbers:
    """Expected log loss of a calibrated probability, in nats.

    Examples
    --------
    >>> entropy(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [0.0, 0.693, 0.0]
    """
    q = np.clip(p, 1e-12, 1.0 - 1e-12)
    found: Numbers = -(q * np.log(q) + (1.0 - q) * np.log1p(-q))
    return found


def skill_function(task: Task, metric: Metric) -> Callable[[Numbers, Numbers], float]:
    """Return the function from labels and scores to the skill."""

    def of(y: Numbers, score: Numbers) -> float:
        if task is Task.MULTICLASS:  # `y` is "was it right": the share of the larger class isn't in it
            return float(y.mean())
        return skill(metric.name, metric.function(y, Scores(score)), constant_of(metric.name, y))

    return of


def realised_skill(task: Task, metric: Metric, y: Numbers, score: Numbers, *, seed: int = 0) -> Skill:
    """Measure the skill on ripe rows, its error by the bootstrap."""
    of = skill_function(task, metric)
    return Skill(of(y, score), float(np.nanstd(deviations(of, (y, score), seed=seed))), len(y))


def baseline_skill(task: Task, metric: Metric, evidence: Evidence) -> Skill | None:
    """Return the skill on the holdout; None if the evidence lacks the metric, or there was no skill to lose.

    The constant of the holdout is computed from its share of positives, which stands in the evidence where
    the
    gate's baseline was a constant. Where it was the rules, skill is counted against these: they are better
    than
    a constant, so less is asked of the version later.
    """
    ours, theirs = _named(evidence.measures, metric.name), _named(evidence.baseline, metric.name)
    if ours is None or theirs is None:
        return None
    if task is Task.MULTICLASS:
        value, scale = ours.value, 1.0
    else:
        constant = _holdout_constant(task, metric.name, evidence, theirs)
        value = skill(metric.name, ours.value, constant)
        spans = {"log_loss", "brier", "mae", "rmse"}
        scale = 1.0 - constant
        if metric.name in spans:
            scale = constant
        elif metric.name == "lift_top_decile":
            scale = 1.0
    if not value > 0:
        return None
    return Skill(value, (ours.high - ours.low) / (2 * 1.645 * scale), evidence.holdout_rows)


def _holdout_constant(task: Task, name: str, evidence: Evidence, theirs: Measure) -> float:
    if name == "r2":
        return 0.0
    area, share = _named(evidence.baseline, "roc_auc"), _named(evidence.baseline, "pr_auc")
    if task is Task.BINARY and area and share and area.value == 0.5:
        return constant_at(name, share.value, evidence.holdout_rows)
    return theirs.value


def _named(measures: tuple[Measure, ...], name: str) -> Measure | None:
    return next((one for one in measures if one.name == name), None)
