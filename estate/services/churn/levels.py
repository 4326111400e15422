"""Five levels of risk, told apart by the probability alone.

What a level means is measured, not promised: of the leads that a version gave it on rows that it had not
learned from, how many left within the horizon. It stands in the version's bundle and in every answer.
"""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from estate.services.churn.schema import Level, LevelMeaning

EDGES = (0.1, 0.2, 0.4, 0.6)
"""Probabilities that part the levels; one that is an edge belongs to the level above it."""
LEVELS: tuple[Level, ...] = ("very low", "low", "medium", "high", "very high")


def levels_of(risk: Numbers) -> list[Level]:
    """Return the level of each probability.

    Examples
    --------
    >>> levels_of(np.array([0.02, 0.1, 0.39, 0.4, 0.95]))
    ['very low', 'low', 'medium', 'high', 'very high']
    """
    return [LEVELS[code] for code in np.searchsorted(np.asarray(EDGES), risk, side="right").tolist()]


def meaning(rows: int, left: int, low: float, high: float, *, horizon_days: float) -> LevelMeaning:
    """Say of how many leads of a level so many left, from what was counted.

    Parameters
    ----------
    rows, left : int
        Leads at this level, and those of them that left within the horizon.
    low, high : float
        Of the interval of the share, in [0, 1].

    Examples
    --------
    >>> meaning(412, 118, 0.25, 0.324, horizon_days=30).sentence
    'of 100 leads at this level 29 left within 30 days (25 to 32; measured on 412)'
    """
    if not rows:
        return LevelMeaning(0, None, None, None, "not measured: no lead of this level has been judged yet")
    share = left / rows
    sentence = (
        f"of 100 leads at this level {100 * share:.0f} left within {horizon_days:g} days "
        f"({100 * low:.0f} to {100 * high:.0f}; measured on {rows:,})"
    )
    return LevelMeaning(rows, share, low, high, sentence)
