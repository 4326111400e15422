"""How strongly a window speaks against "nothing has changed": the statistic behind the p-value.

The distance that people read (Kolmogorov-Smirnov, total variation) is a weak test. Here a window's
deviation from what is expected is taken apart into directions, and their squares are added up.

Numbers: Neyman's smooth test, on ranks: how far the middle moved, the spread, the skew, the tails,
and how many are missing; or the middle alone, if that says more. The weights fall less steeply than in
Anderson and Darling's statistic (1, 1/3, 1/6, 1/10), which sees a change of the spread late. Categories:
chi-square, with one row added to each expectation: without it, a single row of a rare level would drown
everything else.

References
----------
.. [1] J. Neyman, "Smooth test for goodness of fit", Skandinavisk Aktuarietidskrift 20, 1937.
.. [2] T. W. Anderson, D. A. Darling, "A test of goodness of fit", JASA 49, 1954.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estate.core.frame import Numbers
from monitoring.cells import Counts

MISSING_WEIGHT = 1.0
WEIGHTS = (1.0, 0.6, 0.35, 0.2)
"""Of middle, spread, skew and tails."""
MIDDLE_ALONE = 1.3
"""What the middle alone counts, beside what all directions count together: a pure shift of the mean is the
most usual one, and drowns a little in directions in which nothing moved. By chance both are exceeded about
equally often (1.45 at 5 %, 1.15 at 0.1 %)."""
_LEAST_PIVOT = 1e-8


@dataclass(frozen=True)
class Directions:
    """The directions in which a deviation counts.

    Parameters
    ----------
    together : float64 array of shape (cells, directions)
    alone : float64 array of shape (cells, 0 or 1)
        Of numbers: the middle by itself.
    """

    together: Numbers
    alone: Numbers


def directions_of(pooled: Counts, rows: int, *, ordered: bool) -> Directions:
    """Return the directions in which a deviation counts.

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
        return Directions(np.asarray(made, dtype=np.float64), np.zeros((len(pooled), 0)))
    smooth, middle = _smooth(pooled / total)
    scale = np.sqrt(max(spread, 1e-12))
    return Directions(smooth / scale, middle * np.sqrt(MIDDLE_ALONE) / scale)


def strength_of(deviation: Numbers, directions: Directions) -> Numbers:
    """Return the sum of squares of a deviation in all directions, or in the middle alone if that is more.

    Parameters
    ----------
    deviation : float64 array of shape (..., cells)
        Rows in each cell, less those expected.
    """
    strength: Numbers = np.maximum(
        _squares(deviation, directions.together), _squares(deviation, directions.alone)
    )
    return strength


def _squares(deviation: Numbers, directions: Numbers) -> Numbers:
    along = deviation @ directions
    squares: Numbers = (along * along).sum(axis=-1)
    return squares


def _smooth(shares: Numbers) -> tuple[Numbers, Numbers]:
    """Return weighted directions that are orthonormal under the pooled shares, and to the constant.

    The second array is the middle's direction, with weight 1.
    """
    present = shares.copy()
    present[0] = 0.0
    known = present.sum()
    columns, weights, middle = [np.ones(len(shares))], [0.0], -1
    if 0 < known < 1:
        columns.append(np.eye(len(shares))[0])
        weights.append(MISSING_WEIGHT)
    if known > 0:
        middles = 2 * (np.cumsum(present) - present / 2) / known - 1
        middle = len(columns)
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
    weighted = np.asarray(made * np.sqrt(np.array([weights[i] for i in used])), dtype=np.float64)
    return weighted, made[:, [place for place, i in enumerate(used) if i == middle]]
