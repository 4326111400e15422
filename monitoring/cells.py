"""A column of reference and window together, counted in a few cells: what the null distribution works on.

Cells are made from both samples pooled, so they say nothing of which row came from where; that keeps the
permutation test exact.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers

Counts = NDArray[np.int64]

NUMBER_CELLS = 20
"""Quantiles of a number column: a shift within one of them moves 5 % of the rows at most."""
LEVELS = 50
"""Most frequent levels of a category column that have a cell of their own; the rest share one."""


@dataclass(frozen=True)
class Cells:
    """How many rows fall into each cell; cell 0 is "missing".

    Parameters
    ----------
    reference, window : int64 array of shape (cells,)
    ordered : bool
        Whether the cells after the first have an order (numbers) or none (categories).
    """

    reference: Counts
    window: Counts
    ordered: bool

    @property
    def pooled(self) -> Counts:
        """Counts of both samples together."""
        pooled: Counts = self.reference + self.window
        return pooled

    def statistic(self, window: Counts) -> Numbers:
        """Return the distance of a window from the rest of the pooled rows, in [0, 1].

        Numbers: the largest difference of the two distribution functions (Kolmogorov-Smirnov), missing rows
        counted at either end, so at least the difference of the missing shares. Categories: total variation.

        Parameters
        ----------
        window : int64 array of shape (..., cells)
            The window's counts; what is left of the pooled rows is the reference.
        """
        rest = self.pooled - window
        difference = window / self.window.sum() - rest / self.reference.sum()
        if not self.ordered:
            half: Numbers = 0.5 * np.abs(difference).sum(axis=-1)
            return half
        rises = np.cumsum(difference, axis=-1)
        at_the_end = rises - difference[..., :1]
        largest: Numbers = np.maximum(np.abs(rises).max(axis=-1), np.abs(at_the_end).max(axis=-1))
        return largest


def cells_of(reference: Column, window: Column) -> Cells:
    """Count two samples of one column; float64 arrays are numbers, object arrays categories.

    Examples
    --------
    >>> import numpy as np
    >>> cells = cells_of(np.array(["web", "web", None], dtype=object), np.array(["web", "tv"], dtype=object))
    >>> cells.reference.tolist(), cells.window.tolist()
    ([1, 2, 0, 0], [0, 1, 1, 0])
    """
    category = reference.dtype == np.object_
    places = _places_of_levels(reference, window) if category else _places_of_numbers(reference, window)
    size = LEVELS + 2 if category else NUMBER_CELLS + 1
    size = min(size, int(places.max(initial=0)) + 1 + category)
    split = len(reference)
    return Cells(
        reference=np.bincount(places[:split], minlength=size),
        window=np.bincount(places[split:], minlength=size),
        ordered=not category,
    )


def _places_of_numbers(reference: Column, window: Column) -> NDArray[np.intp]:
    pooled = np.concatenate([reference, window])
    there = ~np.isnan(pooled)
    places = np.zeros(len(pooled), dtype=np.intp)
    if there.any():
        shares = np.arange(1, NUMBER_CELLS) / NUMBER_CELLS
        edges = np.unique(np.quantile(pooled[there], shares, method="inverted_cdf"))
        places[there] = 1 + np.searchsorted(edges, pooled[there], side="left")
    return places


def _places_of_levels(reference: Column, window: Column) -> NDArray[np.intp]:
    pooled = [*reference.tolist(), *window.tolist()]
    counted = Counter(value for value in pooled if value is not None)
    by_size = sorted(counted, key=lambda level: (-counted[level], level))
    place: dict[object, int] = {level: min(i, LEVELS) + 1 for i, level in enumerate(by_size)}
    return np.array([0 if value is None else place[value] for value in pooled], dtype=np.intp)
