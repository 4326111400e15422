"""A column of reference and window together, counted in a few cells: what the null distribution works on.

Cells are made from both samples pooled, so they say nothing of which row came from where; that keeps the
permutation test exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers

Counts = NDArray[np.int64]
Places = NDArray[np.intp]

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

    def distance(self, window: Counts) -> Numbers:
        """Return how far a window lies from the rest of the pooled rows, in [0, 1]; see :func:`distance_of`.

        Parameters
        ----------
        window : int64 array of shape (..., cells)
            The window's counts; what is left of the pooled rows is the reference.
        """
        rest = self.pooled - window
        difference = window / self.window.sum() - rest / self.reference.sum()
        return distance_of(difference, ordered=self.ordered)


def distance_of(difference: Numbers, *, ordered: bool) -> Numbers:
    """Return the distance of two distributions, in [0, 1]: the size of a shift that people read.

    Numbers: the largest difference of the two distribution functions (Kolmogorov-Smirnov), missing rows
    counted at either end, so at least the difference of the missing shares. Categories: total variation.

    Parameters
    ----------
    difference : float64 array of shape (..., cells)
        Share of the rows in each cell, window less reference.
    """
    if not ordered:
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
    places, size = places_of(np.concatenate([reference, window]))
    split = len(reference)
    return Cells(
        reference=np.bincount(places[:split], minlength=size),
        window=np.bincount(places[split:], minlength=size),
        ordered=reference.dtype != np.object_,
    )


def places_of(pooled: Column) -> tuple[Places, int]:
    """Return the cell of each row, 0 where the value is missing, and how many cells there are."""
    category = pooled.dtype == np.object_
    places = _places_of_levels(pooled) if category else _places_of_numbers(pooled)
    size = LEVELS + 2 if category else NUMBER_CELLS + 1
    return places, min(size, int(places.max(initial=0)) + 1 + category)


def _places_of_numbers(pooled: Numbers) -> Places:
    there = ~np.isnan(pooled)
    places = np.zeros(len(pooled), dtype=np.intp)
    if there.any():
        shares = np.arange(1, NUMBER_CELLS) / NUMBER_CELLS
        edges = np.unique(np.quantile(pooled[there], shares, method="inverted_cdf"))
        places[there] = 1 + np.searchsorted(edges, pooled[there], side="left")
    return places


def _places_of_levels(pooled: Column) -> Places:
    import pandas as pd

    codes, levels = pd.factorize(pooled)  # -1 where missing
    counted = np.bincount(codes[codes >= 0], minlength=len(levels))
    by_size = sorted(range(len(levels)), key=lambda i: (-counted[i], levels[i]))
    place = np.zeros(len(levels) + 1, dtype=np.intp)
    place[by_size] = np.minimum(np.arange(len(levels)), LEVELS) + 1
    placed: Places = place[codes]  # the last place, of code -1, is 0
    return placed
