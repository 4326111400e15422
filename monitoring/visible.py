"""The smallest shift that a window of this size would have seen: what "quiet" is worth.

A shift adds to the statistic of :mod:`monitoring.strength` in proportion to its square. With the mean
m and the variance v of the draws under "nothing has changed", and q their quantile at the level that
the column is held against, an addition a is seen in four of five windows where m + a - 0.84 sqrt(v +
4 a) = q: a noncentral chi-square as a normal distribution. For numbers the shift is one of the middle
of a normal distribution (on ranks: its efficiency is 3/pi), for categories all levels giving the same
share of their rows to the second most frequent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitoring.cells import Cells
from monitoring.null_distribution import Draws
from monitoring.tail import quantile_far_out

if TYPE_CHECKING:
    from monitoring.drift import Shift

POWER = 0.8
_Z = 0.8416
_RANKS = math.sqrt(3 / math.pi)


@dataclass(frozen=True)
class Visible:
    """The smallest shift that is seen in four of five windows.

    Parameters
    ----------
    distance : float
        In [0, 1]: of the distribution functions (numbers), total variation (categories); 1 if none is.
    deviations : float or None
        The same in standard deviations of the reference; None for categories.
    """

    distance: float
    deviations: float | None


def smallest_visible(cells: Cells, draws: Draws, *, level: float, floor: float) -> Visible:
    """Return the smallest shift that would be an alarm with 80 % power.

    Parameters
    ----------
    level : float
        Of the p-value, in (0, 1).
    floor : float
        Distance that is no alarm however certain it is.
    """
    needed = _addition(draws, level)
    rows, before = int(cells.window.sum()), int(cells.reference.sum())
    effective = rows * before / (rows + before)
    # Of a shift just at the floor every other window would lie below it.
    least = floor + _Z * 0.5 / math.sqrt(effective)
    if not cells.ordered:
        return Visible(min(1.0, max(least, _share_moved(cells, needed, effective))), None)
    present = 1 - cells.reference[0] / before
    if present <= 0:
        return Visible(1.0, None)
    deviations = math.sqrt(needed / (effective * present)) / _RANKS
    distance = math.erf(deviations / 2 / math.sqrt(2))
    if distance < least:
        distance = min(1.0, least)
        deviations = 2 * _normal_quantile((1 + min(distance, 0.999)) / 2)
    return Visible(distance, deviations)


def sentence_of(shifts: Sequence[Shift], rows: int) -> str:
    """Say for a person what the window could have seen; medians over the columns.

    Examples
    --------
    >>> sentence_of((), 40)
    '40 rows: no column could be judged'
    """
    numbers = [s.smallest_visible_sd for s in shifts if s.smallest_visible_sd is not None]
    categories = [s.smallest_visible for s in shifts if s.smallest_visible_sd is None]
    parts = []
    if numbers:
        distance = np.median([s.smallest_visible for s in shifts if s.smallest_visible_sd is not None])
        parts.append(
            f"a number that moves by {np.median(numbers):.2g} standard deviations (distance {distance:.2g})"
        )
    if categories:
        parts.append(f"a category that changes in {np.median(categories):.0%} of the rows")
    if not parts:
        return f"{rows} rows: no column could be judged"
    return f"{rows} rows show {' and '.join(parts)} in 4 of 5 windows; what is smaller can stay unseen"


def _addition(draws: Draws, level: float) -> float:
    mean, variance = float(draws.strength.mean()), float(draws.strength.var())
    gap = quantile_far_out(draws.strength, level) - mean
    low, high = 0.0, 10 * max(1.0, gap) + 100
    for _ in range(60):
        middle = (low + high) / 2
        seen = middle - _Z * math.sqrt(variance + 4 * middle) >= gap
        low, high = (low, middle) if seen else (middle, high)
    return high


def _share_moved(cells: Cells, needed: float, effective: float) -> float:
    shares = cells.pooled / cells.pooled.sum()
    if (shares > 0).sum() < 2:
        return 1.0
    to = int(np.argsort(shares)[-2])
    moved = -shares
    moved[to] += 1.0
    rows = int(cells.window.sum())
    there = shares > 0
    per_row = float((moved[there] ** 2 / (shares[there] + 1 / rows)).sum())
    return math.sqrt(needed / (effective * per_row)) * float(1 - shares[to])


def _normal_quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))
