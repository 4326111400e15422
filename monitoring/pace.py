"""Does a column change from row to row, or stand for long stretches as an index or a month does?"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from estate.core.frame import Column

_SLOW = 0.5


def moves_slowly(values: Column) -> bool:
    """Return whether neighbours in time agree far more often than rows drawn at random would.

    Such a column may stand still for a whole window, or go where it has never been, and be quite right.
    Agreement is corrected for chance as in Cohen's kappa.

    Parameters
    ----------
    values : array of shape (rows,)
        In the order of time; NaN and None are missing.

    Examples
    --------
    >>> moves_slowly(np.array([4.8] * 50 + [4.9] * 50)), moves_slowly(np.array([4.8, 4.9] * 50))
    (True, False)
    """
    there = [value for value in values.tolist() if value is not None and value == value]  # noqa: PLR0124
    if len(set(there)) < 2:
        return False
    by_chance = sum((count / len(there)) ** 2 for count in Counter(there).values())
    agree = float(np.mean([one == next_one for one, next_one in pairwise(there)]))
    return (agree - by_chance) / (1 - by_chance) > _SLOW
