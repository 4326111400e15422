"""How strongly a window speaks against "nothing has changed": the statistic behind the p-value.

The distance that people read (Kolmogorov-Smirnov, total variation) is a weak test. Here a window's
deviation from what is expected is taken apart into directions, and their squares are added up.

Numbers: Neyman's smooth test, on ranks: how far the middle moved, the spread, the skew, the tails,
and how many are missing. The weights fall less steeply than in Anderson and Darling's statistic (1,
1/3, 1/6, 1/10), which sees a change of the spread late. Categories: chi-square, with one row added to
each expectation: without it, a single row of a rare level would drown everything else.

References
----------
.. [1] J. Neyman, "Smooth test for goodness of fit", Skandinavisk Aktuarietidskrift 20, 1937.
.. [2] T. W. Anderson, D. A. Darling, "A test of goodness of fit", JASA 49, 1954.
"""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from monitoring.cells import Counts

MISSING_WEIGHT = 1.0
WEIGHTS = (1.0, 0.6, 0.35, 0.2)
"""Of middle, spread, skew and tails."""
_LEAST_PIVOT = 1e-8


def directions_of(pooled: Counts, rows: int, *, ordered: bool) -> Numbers:
    """Return the directions in which a deviation counts; shape (cells, directions).

    Parameters
    ----------
    pooled : int64 array of shape (cells,)
        Rows of reference and window together; the first cell is "missing".
    rows : int
        Of the window.
    """
    total = int(pooled.sum())
    spread = rows * (total - rows) / total
    if not ordered:
        expected = pooled * (rows / total)
        scale = (total - rows) / total
        made = np.diag(1.0 / np.sqrt(np.maximum(expected + 1.0, 1.0) * max(scale, 1e-12)))
    else:
        made = _smooth(pooled / total) / np.sqrt(max(spread, 1e-12))
    return np.asarray(made, dtype=np.float64)


def strength_of(deviation: Numbers, directions: Numbers) -> Numbers:
    """Return the sum of squares of a deviation in all directions.

    Parameters
    ----------
    deviation : float64 array of shape (..., cells)
        Rows in each cell, less those expected.
    """
    along = deviation @ directions
    strength: Numbers = (along * along).sum(axis=-1)
    return strength


def _smooth(shares: Numbers) -> Numbers:
    """Return weighted directions that are orthonormal under the pooled shares, and to the constant."""
    present = shares.copy()
    present[0] = 0.0
    known = present.sum()
    columns, weights = [np.ones(len(shares))], [0.0]
    if 0 < known < 1:
        columns.append(np.eye(len(shares))[0])
        weights.append(MISSING_WEIGHT)
    if known > 0:
        middles = 2 * (np.cumsum(present) - present / 2) / known - 1
        for power, weight in enumerate(WEIGHTS, start=1):
            polynomial = np.polynomial.legendre.legval(middles, [0.0] * power + [1.0])
            columns.append(np.where(present > 0, polynomial, 0.0))
            weights.append(weight)
    root = np.sqrt(shares)
    basis, pivots = np.linalg.qr(root[:, None] * np.column_stack(columns))
    independent = np.abs(np.diag(pivots)) > _LEAST_PIVOT
    used = [i for i in range(1, basis.shape[1]) if independent[i]]
    there = root > 0
    made = np.zeros((len(shares), len(used)))
    made[there] = basis[there][:, used] / root[there, None]
    return np.asarray(made * np.sqrt(np.array([weights[i] for i in used])), dtype=np.float64)
