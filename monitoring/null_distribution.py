"""What a statistic looks like when nothing has changed, at the sizes that reference and window really have.

Rows of reference and window are pooled and a window of the same size is drawn from them at random, again and
again. If both come from one source, the real window is one more such draw, so the share of draws that lie at
least as far off is a p-value, whatever the column's distribution, ties and missing rows, and no table of
asymptotic values is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from estate.core.frame import Numbers
from monitoring.cells import Cells, Counts
from monitoring.strength import Directions, directions_of, strength_of
from monitoring.tail import share_beyond, share_far_out

FIRST_DRAWS = 1_000
MOST_DRAWS = 20_000


@dataclass(frozen=True)
class Draws:
    """Windows drawn while nothing has changed.

    Parameters
    ----------
    distance : float64 array of shape (draws,)
        In [0, 1].
    strength : float64 array of shape (draws,)
        What the p-value is taken of; at least 0.
    """

    distance: Numbers
    strength: Numbers


@dataclass(frozen=True)
class Judgement:
    """One column against chance.

    Parameters
    ----------
    distance : float
        In [0, 1].
    p_value : float
        In (0, 1].
    draws : Draws
    """

    distance: float
    p_value: float
    draws: Draws


@dataclass(frozen=True)
class NullDistribution:
    """Draws under "nothing has changed", shared by all columns whose cells have the same counts.

    Columns of distinct numbers all do, so their draws cost once.

    Parameters
    ----------
    rate : float
        False-alarm rate of the whole pass, in (0, 1).
    columns : int
        How many columns are judged together.
    seed : int
        The same rows are judged the same way every time.
    """

    rate: float
    columns: int
    seed: int = 0
    _drawn: dict[tuple[bool, bytes, int], Draws] = field(default_factory=dict, repr=False)

    def judge(self, cells: Cells) -> Judgement:
        """Judge a column.

        A first thousand draws settles the columns that are plainly quiet; the others get as many as the
        correction over columns needs, and beyond 20,000 the slope of the tail.
        """
        expected = cells.pooled * (cells.window.sum() / cells.pooled.sum())
        strength = float(strength_of(cells.window - expected, _directions(cells)))
        draws = self._draws(cells, FIRST_DRAWS)
        p_value = share_beyond(draws.strength, strength)
        if p_value <= max(2 * self.rate, 10 / FIRST_DRAWS):
            needed = int(np.ceil(4 * self.columns / self.rate))
            draws = self._draws(cells, max(FIRST_DRAWS, min(needed, MOST_DRAWS)))
            share = share_far_out if needed > MOST_DRAWS else share_beyond
            p_value = share(draws.strength, strength)
        return Judgement(float(cells.distance(cells.window)), p_value, draws)

    def _draws(self, cells: Cells, draws: int) -> Draws:
        key = (cells.ordered, cells.pooled.tobytes(), draws)
        if key not in self._drawn:
            rng = np.random.default_rng([self.seed, draws])
            rows = int(cells.window.sum())
            windows: Counts = rng.multivariate_hypergeometric(
                cells.pooled, rows, size=draws, method="marginals"
            )
            deviation = windows - cells.pooled * (rows / cells.pooled.sum())
            self._drawn[key] = Draws(cells.distance(windows), strength_of(deviation, _directions(cells)))
        return self._drawn[key]


def _directions(cells: Cells) -> Directions:
    return directions_of(cells.pooled, int(cells.window.sum()), ordered=cells.ordered)
