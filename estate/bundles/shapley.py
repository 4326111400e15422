"""What each feature contributes to a score: Shapley values, through whatever answers.

A row of the background is turned into the row in question feature by feature, in some order and in the
reverse of it; what a feature changes on the way is its contribution, averaged over orders and background
rows. With an order and its reverse, features that act in pairs are split exactly; what is left to chance is
which few rows stand for all. That is mended twice: they are chosen so that, feature by feature, they are on
average like a pool of many, and what they still differ by in the effects of single features is added. So
contributions are exact, against the whole pool, where features only add up.

References
----------
Štrumbelj, Kononenko (2014), "Explaining prediction models and individual predictions with feature
contributions", Knowledge and Information Systems 41. Mitchell, Cooper, Frank, Holmes (2022), "Sampling
Permutations for Shapley Value Estimation", JMLR 23: orders with their reverse. Welling (2009), "Herding
Dynamical Weights to Learn", ICML: rows that stand for many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from estate.bundles.encoder import Matrix
from estate.core.frame import Numbers

SCORES, LEAST_PAIRS, MOST_PAIRS = 450, 8, 64
"""Scores that a row may take, and bounds of what comes of it; measured in docs/decisions/0011."""
CENTRES = 4
_MOST_CELLS = 200_000
"""Of the matrix that is scored in one call: 0.8 MB, which stays in the processor's cache."""

Value = Callable[[Matrix], Numbers]
"""From an encoded matrix of shape (n, width) to what is explained, shape (n, outputs)."""


def pairs_for(features: int) -> int:
    """Return how many background rows, each with an order and its reverse, explain so many features.

    Examples
    --------
    >>> pairs_for(4), pairs_for(12), pairs_for(28), pairs_for(100)
    (64, 20, 8, 8)
    """
    return min(MOST_PAIRS, max(LEAST_PAIRS, SCORES // max(1, 2 * (features - 1))))


@dataclass(frozen=True)
class Shapley:
    """Contributions of d features, against fixed background rows in fixed orders.

    Parameters
    ----------
    starts : int array of shape (d,)
        First column of each feature in the matrix; its columns lie side by side.
    background : float32 array of shape (pairs, width)
    orders : int array of shape (2 * pairs, d)
        The second half are the first ones reversed.
    correction : float64 array of shape (d, outputs)
    base : float64 array of shape (outputs,)
        What contributions are counted from: the mean over the pool, as well as it is known.
    """

    starts: NDArray[np.intp]
    background: Matrix
    orders: NDArray[np.intp]
    correction: Numbers
    base: Numbers

    @classmethod
    def over(
        cls, pool: Matrix, starts: NDArray[np.intp], value: Value, *, seed: int, pairs: int | None = None
    ) -> Shapley:
        """Choose background rows from a pool of at least one, and orders by the seed."""
        pairs = pairs or pairs_for(len(starts))
        effects = _main_effects(pool, starts, value)
        chosen = _stand_for_all(effects.reshape(len(pool), -1), min(pairs, len(pool)))
        random = np.random.default_rng(seed)
        half = np.array([random.permutation(len(starts)) for _ in range(pairs)])
        background = pool[np.resize(chosen, pairs)]
        correction = effects[np.resize(chosen, pairs)].mean(axis=0) - effects.mean(axis=0)
        base = value(background).mean(axis=0) - correction.sum(axis=0)
        return cls(starts, background, np.concatenate([half, half[:, ::-1]]), correction, base)

    def contributions(self, rows: Matrix, value: Value) -> Numbers:
        """Return shape (n, d, outputs); over the features they sum to the row's value minus ``base``."""
        piece = max(1, _MOST_CELLS // (self.orders.size * rows.shape[1]))
        parts = [self._piece(rows[at : at + piece], value) for at in range(0, len(rows), piece)]
        return np.concatenate(parts)

    def _piece(self, rows: Matrix, value: Value) -> Numbers:
        n, (orders, d) = len(rows), self.orders.shape
        step = self._changes(rows)[:, :, :-1]  # the last one leads to the row itself
        row, order, at = np.nonzero(step)
        way = np.where(self._turned[order, at], rows[row], self._background[order])
        scored = value(np.concatenate([self._background, rows, way]))
        values = np.empty((n, orders, d + 1, scored.shape[1]))
        values[:, :, 0], values[:, :, d] = scored[:orders], scored[orders : orders + n, None]
        values[row, order, at + 1] = scored[orders + n :]
        # What did not change anything was not scored: there the value is the one of before.
        last = np.maximum.accumulate(np.where(step, np.arange(1, d), 0), axis=2)
        values[:, :, 1:d] = np.take_along_axis(values, last[..., None], axis=2)
        changes = np.take_along_axis(np.diff(values, axis=2), self._places[None, :, :, None], axis=2)
        found: Numbers = changes.mean(axis=1) + self.correction
        return found

    def _changes(self, rows: Matrix) -> NDArray[np.bool_]:
        """Return shape (n, orders, d): whether the step changes anything."""
        mine, theirs = rows[:, None], self.background[None]
        other = (mine != theirs) & ~(np.isnan(mine) & np.isnan(theirs))
        features = np.logical_or.reduceat(other, self.starts, axis=2)
        pair = np.arange(len(self.orders)) % len(self.background)
        return features[:, pair[:, None], self.orders]

    @cached_property
    def _background(self) -> Matrix:
        """Row of the background of each order."""
        return np.concatenate([self.background, self.background])

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        """When each feature's turn is, shape (orders, d)."""
        return np.argsort(self.orders, axis=1)

    @cached_property
    def _turned(self) -> NDArray[np.bool_]:
        """Columns that are the row's own after each step but the last, shape (orders, d - 1, width)."""
        d, width = len(self.starts), self.background.shape[1]
        owner = np.repeat(np.arange(d), np.diff(self.starts, append=width))
        places: NDArray[np.bool_] = self._places[:, None, owner] <= np.arange(d - 1)[None, :, None]
        return places


def _main_effects(pool: Matrix, starts: NDArray[np.intp], value: Value) -> Numbers:
    """Return shape (rows, d, outputs): what a feature of a pool's row changes alone, in a few other rows."""
    scores = value(pool)
    by_size = np.argsort(scores[:, 0], kind="stable")
    at = (2 * np.arange(CENTRES) + 1) * len(pool) // (2 * CENTRES)
    centres = pool[by_size[at]]
    ends = np.append(starts[1:], pool.shape[1])
    columns = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        part = np.ascontiguousarray(pool[:, start:end])
        as_one = part.view(np.dtype((np.void, part.dtype.itemsize * part.shape[1]))).ravel()
        _, first, which = np.unique(as_one, return_index=True, return_inverse=True)
        held = np.repeat(centres, len(first), axis=0)
        held[:, start:end] = np.tile(part[first], (len(centres), 1))
        columns.append(value(held).reshape(len(centres), len(first), -1).mean(axis=0)[which])
    return np.stack(columns, axis=1)


def _stand_for_all(effects: Numbers, count: int) -> NDArray[np.intp]:
    """Return rows whose mean is close to the mean of all, each the best one beside those before."""
    mean, total = effects.mean(axis=0), np.zeros(effects.shape[1])
    chosen: list[int] = []
    for size in range(1, count + 1):
        far = (((total + effects) / size - mean) ** 2).sum(axis=1)
        far[chosen] = np.inf
        chosen.append(int(far.argmin()))
        total += effects[chosen[-1]]
    return np.asarray(chosen, dtype=np.intp)
