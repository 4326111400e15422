"""What a statistic looks like when nothing has changed, at the sizes that reference and window really have.

Rows of reference and window are pooled and a window of the same size is drawn from them at random, again and
again. If both come from one source, the real window is one more such draw, so the share of draws that lie at
least as far off is a p-value, whatever the column's distribution, ties and missing rows, and no table of
asymptotic values is asked.

References
----------
.. [1] B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", 2010.
.. [2] J. Besag, P. Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from estate.core.frame import Numbers
from monitoring.cells import Cells, Counts

FIRST_DRAWS = 1_000


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
    _drawn: dict[tuple[bool, bytes, int], Numbers] = field(default_factory=dict, repr=False)

    def judge(self, cells: Cells) -> tuple[float, float, Numbers]:
        """Return the statistic, its p-value, and the statistics of the draws.

        A first thousand draws settles the columns that are plainly quiet; the others get as many as the
        correction over columns needs.
        """
        statistic = float(cells.statistic(cells.window))
        draws = self._draws(cells, FIRST_DRAWS)
        p_value = _share(draws, statistic)
        if p_value <= 2 * self.rate:
            draws = self._draws(cells, max(FIRST_DRAWS, int(np.ceil(2 * self.columns / self.rate))))
            p_value = _share(draws, statistic)
        return statistic, p_value, draws

    def _draws(self, cells: Cells, draws: int) -> Numbers:
        key = (cells.ordered, cells.pooled.tobytes(), draws)
        if key not in self._drawn:
            rng = np.random.default_rng([self.seed, draws])
            windows: Counts = rng.multivariate_hypergeometric(
                cells.pooled, int(cells.window.sum()), size=draws, method="marginals"
            )
            self._drawn[key] = cells.statistic(windows)
        return self._drawn[key]


def _share(draws: Numbers, statistic: float) -> float:
    # A hair of tolerance: equal counts in another order of summation are not "less far off".
    return (1 + int((draws >= statistic - 1e-12).sum())) / (1 + len(draws))
