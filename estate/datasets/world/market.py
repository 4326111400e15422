"""Areas, the properties for sale in them, and their price index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from estate.core.frame import Numbers
from estate.datasets.world.world import DAY, HOUR, Micros, World

AREAS = ("Ash Hill", "Birch Bay", "Cedar Point", "Dover Mills", "Elm Park", "Fox Run", "Glen Cove", "Harbor")
AREA_PRICE_USD = np.array([310, 420, 265, 350, 520, 295, 680, 880]) * 1_000.0
KINDS = ("house", "townhouse", "condo")
_PROPERTIES, _INDEX = 1, 2
_LISTED_BEFORE_DAYS, _INDEX_BEFORE_WEEKS = 120, 12
_PROPERTIES_A_DAY = 4.0
_WEEK = 7 * DAY


@dataclass(frozen=True)
class Properties:
    """Properties in the order in which they were recorded; arrays of shape (n,)."""

    day: NDArray[np.int64]
    number: NDArray[np.int64]
    area: NDArray[np.int64]
    price_usd: Numbers
    bedrooms: Numbers
    living_area_sqft: Numbers
    kind: NDArray[np.int64]
    event_at: Micros
    recorded_at: Micros

    def median_price(self, area: NDArray[np.int64], times: Micros) -> Numbers:
        """Return the median price in USD of all properties of an area that were known at each time."""
        found = np.full(len(area), np.nan)
        for code in range(len(AREAS)):
            here = self.area == code
            prices, known = self.price_usd[here], self.recorded_at[here]
            medians = np.array([np.nan] + [np.median(prices[:k]) for k in range(1, len(prices) + 1)])
            rows = area == code
            found[rows] = medians[np.searchsorted(known, times[rows], side="right")]
        return found


@dataclass(frozen=True)
class PriceIndex:
    """One value a week and area, about 100; published some days after its week.

    Parameters
    ----------
    event_at : int64 array of shape (weeks,)
    recorded_at : int64 array of shape (weeks,)
    value : float64 array of shape (weeks, areas)
    """

    event_at: Micros
    recorded_at: Micros
    value: NDArray[np.float64]

    def latest(self, area: NDArray[np.int64], times: Micros) -> Numbers:
        """Return the newest value of the area that was known at each time."""
        week = np.searchsorted(self.recorded_at, times, side="right") - 1
        return np.asarray(self.value[np.maximum(week, 0), area])


def list_properties(world: World, last_day: int) -> Properties:
    """Return all properties listed before the end of ``last_day``."""
    days = range(-_LISTED_BEFORE_DAYS, last_day + 1)
    streams = [world.stream(_PROPERTIES, day) for day in days]
    blocks = [stream.random((stream.poisson(_PROPERTIES_A_DAY), 7)) for stream in streams]
    day = np.repeat(np.array(days, dtype=np.int64), [len(block) for block in blocks])
    number = np.concatenate([np.arange(len(block), dtype=np.int64) for block in blocks])
    u = np.concatenate(blocks)
    area = (u[:, 0] * len(AREAS)).astype(np.int64)
    bedrooms = 1.0 + np.floor(5 * u[:, 1] ** 0.9)
    size = np.round(420 * bedrooms * np.exp(0.18 * ndtri(u[:, 2])) + 300)
    price = AREA_PRICE_USD[area] * (0.55 + 0.16 * bedrooms) * np.exp(0.2 * ndtri(u[:, 3]))
    event = day * DAY + np.rint(u[:, 4] * DAY).astype(np.int64)
    recorded = event + np.rint((0.2 + 12 * u[:, 5]) * HOUR).astype(np.int64)
    order = np.argsort(recorded, kind="stable")
    kind = np.searchsorted(np.array([0.55, 0.75]), u[:, 6], side="right")
    return Properties(
        day=day[order],
        number=number[order],
        area=area[order],
        price_usd=np.round(price, -2)[order],
        bedrooms=bedrooms[order],
        living_area_sqft=size[order],
        kind=kind[order],
        event_at=event[order],
        recorded_at=recorded[order],
    )


def price_index(world: World, last_day: int) -> PriceIndex:
    """Return the index of all weeks that begin before the end of ``last_day``: a random walk with seasons."""
    weeks = np.arange(-_INDEX_BEFORE_WEEKS, last_day // 7 + 1, dtype=np.int64)
    draws = np.stack([world.stream(_INDEX, int(week)).random(len(AREAS) + 1) for week in weeks])
    event = weeks * _WEEK
    steps = 0.012 * ndtri(draws[:, :-1])
    steps -= 0.01 * world.effect.response * world.drift_level(event)[:, None]  # a turning market also cools
    seasons = 0.04 * np.sin(2 * np.pi * weeks / 52)[:, None]
    # pulled back to 100, or worlds of several years would end somewhere else
    log_value = np.empty_like(steps)
    current = np.zeros(len(AREAS))
    for row, step in enumerate(steps):
        current = 0.97 * current + step
        log_value[row] = current
    recorded = event + np.rint((3 + 2 * draws[:, -1]) * DAY).astype(np.int64)
    return PriceIndex(event, recorded, np.round(100 * np.exp(log_value + seasons), 3))
