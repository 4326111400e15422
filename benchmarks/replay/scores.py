"""How good the answers were, over all replayed calls."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.core.prediction import Scores
from estate.training.metrics import log_loss, pr_auc, roc_auc


def measure(y: Numbers, p: Numbers, months: NDArray[np.datetime64]) -> Mapping[str, float]:
    """Return log loss and the areas under the curves.

    ``roc_auc`` is over all pairs of calls, most of them months apart: with a rate of sales that goes from 3 %
    to over 50 % even a constant that follows it orders them well. ``roc_auc_in_month`` counts pairs of one
    month only: whom to call first.

    Parameters
    ----------
    y : float64 array of shape (n,)
        0 or 1.
    p : float64 array of shape (n,)
        In [0, 1], given before y was known.
    months : datetime64 array of shape (n,)
    """
    scores = Scores(p)
    return {
        "log_loss": round(log_loss(y, scores), 4),
        "roc_auc": round(roc_auc(y, scores), 4),
        "pr_auc": round(pr_auc(y, scores), 4),
        "roc_auc_in_month": round(_within(y, p, months), 4),
    }


def _within(y: Numbers, p: Numbers, months: NDArray[np.datetime64]) -> float:
    won = pairs = 0.0
    for month in np.unique(months):
        rows = months == month
        weight = float(y[rows].sum() * (1 - y[rows]).sum())
        if weight:
            won += weight * roc_auc(y[rows], Scores(p[rows]))
            pairs += weight
    return won / pairs if pairs else float("nan")


def rolling_loss(y: Numbers, p: Numbers, *, rows: int = 1000) -> Numbers:
    """Return the mean log loss of each stretch of so many rows (of all, if there are fewer)."""
    losses = -np.log(np.clip(np.where(y == 1, p, 1.0 - p), 1e-7, 1.0))
    rows = min(rows, len(y))
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    rolled: Numbers = (sums[rows:] - sums[:-rows]) / rows
    return rolled
