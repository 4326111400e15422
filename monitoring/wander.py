"""How far a column moves by itself: a market index is never where it was, and that is no news."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Column
from monitoring.cells import cells_of

SPANS = 20
LEAST_SPAN = 200
"""Rows: in shorter spans chance alone would look like wandering."""


def wander(reference: Column) -> float:
    """Return the largest distance of one span of the reference's own time from the rest of it, in [0, 1].

    Permuted rows know nothing of time: they call every month of a slow column a drift. What the column did
    within the training's own time is what it may do without an alarm.

    Parameters
    ----------
    reference : array of shape (rows,)
        In order of time.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> wander(np.arange(2000.0)) > 0.9
    True
    >>> wander(random.normal(size=2000)) < 0.15
    True
    """
    rows = len(reference)
    span = max(rows // SPANS, min(LEAST_SPAN, rows // 4))
    if not span:
        return 0.0
    farthest = 0.0
    for start in range(0, rows - span + 1, span):
        inside = np.zeros(rows, dtype=np.bool_)
        inside[start : start + span] = True
        cells = cells_of(reference[~inside], reference[inside])
        farthest = max(farthest, float(cells.statistic(cells.window)))
    return farthest
