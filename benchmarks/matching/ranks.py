"""How high the one right home of each query stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers

AT = 10
_RESAMPLES, _TAIL = 1000, 0.05


@dataclass(frozen=True)
class Queries:
    """Candidates of many queries, one after the other; arrays of shape (candidates,).

    Parameters
    ----------
    query : int64 array
        Rising from 0, without a gap.
    right : bool array
        The one home that was chosen in truth.
    """

    query: NDArray[np.int64]
    right: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.query[-1]) + 1 if len(self.query) else 0

    def places(self, score: Numbers) -> NDArray[np.int64]:
        """Return the place of each query's right home, from 0; ties are broken by a fixed lot."""
        lot = np.random.default_rng(0).random(len(score))
        order = np.lexsort((lot, -score, self.query))
        first = np.searchsorted(self.query[order], np.arange(len(self)))
        place = np.arange(len(order)) - first[self.query[order]]
        return place[self.right[order]]


def gains(places: NDArray[np.int64]) -> Numbers:
    """NDCG@10 of each query: with one right home, the discount of its place.

    Examples
    --------
    >>> gains(np.array([0, 1, 10])).round(3).tolist()
    [1.0, 0.631, 0.0]

    References
    ----------
    Järvelin, Kekäläinen: Cumulated gain-based evaluation of IR techniques. TOIS 2002.
    """
    return np.where(places < AT, 1.0 / np.log2(places + 2.0), 0.0)


def measured(queries: Queries, score: Numbers) -> dict[str, object]:
    """Return NDCG@10 with its 90 % bootstrap interval over queries, and recall@10."""
    places = queries.places(score)
    each = gains(places)
    draws = np.random.default_rng(0).integers(0, len(each), (_RESAMPLES, len(each)))
    low, high = np.quantile(each[draws].mean(axis=1), [_TAIL, 1 - _TAIL])
    return {
        "ndcg@10": round(float(each.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "recall@10": round(float((places < AT).mean()), 4),
        "queries": len(each),
    }
