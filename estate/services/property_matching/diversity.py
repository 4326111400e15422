"""Homes that are good and not all alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.features.homes import Offers
from estate.features.homes.pairs import distance

_POOL = 5


def chosen(score: Numbers, offers: Offers, *, k: int, diversity: float) -> NDArray[np.int64]:
    """Return the positions of k homes, best first, each a compromise between its score and being different.

    Maximal marginal relevance: (1 - d) times the score's place among the pool's, less d times the likeness
    to the most similar home that is chosen already. Ties go to the cheaper home, then to the id.

    Parameters
    ----------
    score : float64 array of shape (n,)
    offers : Offers
        n homes.
    k : int
    diversity : float
        d, in [0, 1).

    References
    ----------
    Carbonell, Goldstein: The use of MMR, diversity-based reranking. SIGIR 1998.
    """
    order = np.lexsort((offers.ids.astype(str), offers.price_usd, -score))
    if diversity == 0.0 or k >= len(order):
        return np.asarray(order[:k])
    pool = order[: k * _POOL]
    spread = score[pool[0]] - score[pool[-1]]
    worth = (score[pool] - score[pool[-1]]) / spread if spread > 0 else np.ones(len(pool))
    likeness, picked = np.zeros(len(pool)), np.zeros(len(pool), dtype=np.bool_)
    found: list[int] = []
    for _ in range(min(k, len(pool))):
        gain = np.where(picked, -np.inf, (1 - diversity) * worth - diversity * likeness)
        best = int(gain.argmax())
        found.append(best)
        picked[best] = True
        likeness = np.maximum(likeness, alike(offers.take(pool), best))
    return np.asarray(pool[found])


def alike(offers: Offers, one: int) -> Numbers:
    """Return how alike homes are to one of them, in [0, 1]; another area or another kind halves it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = distance(
            offers.price_usd / offers.price_usd[one],
            offers.bedrooms - offers.bedrooms[one],
            offers.living_area_sqft / offers.living_area_sqft[one],
        )
    close = np.exp(-np.nan_to_num(apart, nan=3.0))
    other = (offers.area != offers.area[one]).astype(np.float64) + (offers.kind != offers.kind[one])
    return np.asarray(close * 0.5**other)
