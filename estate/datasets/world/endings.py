"""How listings end: sold after days or months, dear ones later and below their price, or withdrawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from estate.core.frame import Numbers
from estate.datasets.world.market import AREA_PRICE_USD, Properties
from estate.datasets.world.world import DAY, HOUR, Micros, World

_LISTINGS = 3
_MEDIAN_DAYS = 34.0
_SOLD_SHARE = 0.82


@dataclass(frozen=True)
class Endings:
    """How the listing of each property ended; arrays of shape (n,).

    Parameters
    ----------
    ended_at, recorded_at : int64 array
        Microseconds since the world began: when it was over, and when the desk learned of it.
    sold : bool array
        Sold; else withdrawn.
    price_usd : float64 array
        Paid, or asked at last.
    """

    ended_at: Micros
    recorded_at: Micros
    sold: NDArray[np.bool_]
    price_usd: Numbers


def end_listings(world: World, listed: Properties) -> Endings:
    """Return how the listing of each property ended, whichever days are simulated."""
    u = np.empty((len(listed.day), 4))
    for day in np.unique(listed.day).tolist():
        here = np.flatnonzero(listed.day == day)
        draws = world.stream(_LISTINGS, int(day)).random((int(listed.number[here].max()) + 1, 4))
        u[here] = draws[listed.number[here]]
    dear = np.log(listed.price_usd / AREA_PRICE_USD[listed.area])
    days = np.clip(_MEDIAN_DAYS * np.exp(0.5 * dear + 0.6 * ndtri(u[:, 0])), 2.0, 365.0)
    ended = listed.event_at + np.rint(days * DAY).astype(np.int64)
    recorded = np.maximum(ended, listed.recorded_at) + np.rint((0.2 + 48 * u[:, 1]) * HOUR).astype(np.int64)
    sold = u[:, 2] < _SOLD_SHARE
    paid = np.round(listed.price_usd * (1.0 - 0.06 * u[:, 3] * days / (days + 30.0)), -2)
    return Endings(ended, recorded, sold, np.where(sold, paid, listed.price_usd))
