"""What was known of each lead's area at its moment: price index, homes, what was for sale and sold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from estate.core.frame import Column, Numbers
from estate.features.events import DAY_US, Micros
from estate.features.medians import medians_known
from estate.store.lead_facts import Homes, Listings, Series
from estate.store.lead_statement import SOLD_DAYS

_FEW = 64
_INDEX = {"value": 0, "value_30d_ago": 30, "value_90d_ago": 90, "value_365d_ago": 365}
_PRICES = {"price_usd": 0, "price_usd_90d_ago": 90}
_COUNTS = {"homes_count": 0, "homes_count_30d_ago": 30}
_LISTINGS = ("for_sale_count", "new_count_30d", "sold_count_90d", "days_for_sale", "days_to_sale_90d")


class AreaFacts(Protocol):
    """What is known of areas, by their names."""

    @property
    def index(self) -> Mapping[str, Series]:
        """When each index value was so, rising, when it was learned and superseded, and the value."""

    @property
    def homes(self) -> Mapping[str, Homes]:
        """Since when each version of a home is known, until when, and its asking price."""

    @property
    def listings(self) -> Mapping[str, Listings]:
        """Versions of listings: see :data:`estate.store.lead_facts.Listings`."""


class Areas(Mapping[str, Numbers]):
    """Numbers of each lead's area, computed when they are asked for; float64 of shape (n,), NaN is missing.

    ``value``, and ``value_30d_ago``, ``value_90d_ago``, ``value_365d_ago``: the newest value of the market
    index that had happened by then, as known at the lead's moment. ``price_usd`` and ``price_usd_90d_ago``:
    the median asking price of the homes that were known then, in USD; ``homes_count`` and
    ``homes_count_30d_ago``: how many they were. Of listings ``for_sale_count``, ``new_count_30d`` (those
    that came on the market in the last 30 days), ``sold_count_90d``, and medians in days: ``days_for_sale``
    of those for sale, ``days_to_sale_90d`` of those sold in the last 90 days.

    Parameters
    ----------
    area : object array of shape (n,)
    moment : int64 array of shape (n,)
        Microseconds since 1970, UTC.
    facts : AreaFacts
    """

    def __init__(self, area: Column, moment: Micros, facts: AreaFacts) -> None:
        self._area, self._moment, self._facts = area, moment, facts
        self._made: dict[str, Numbers] = {}

    def part(self, first: int, last: int) -> Areas:
        """Return the areas of the leads from one position to before another."""
        return Areas(self._area[first:last], self._moment[first:last], self._facts)

    def __getitem__(self, name: str) -> Numbers:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._compute(name)
        return made

    def __iter__(self) -> Iterator[str]:
        yield from (*_INDEX, *_PRICES, *_COUNTS, *_LISTINGS)

    def __len__(self) -> int:
        return len(_INDEX) + len(_PRICES) + len(_COUNTS) + len(_LISTINGS)

    def _compute(self, name: str) -> Numbers:
        made = np.full(len(self._moment), np.nan)
        if "_count" in name:
            made[[area is not None for area in self._area.tolist()]] = 0.0
        if name in _INDEX:
            for area, series in self._facts.index.items():
                here = np.flatnonzero(self._area == area)
                made[here] = _newest_known(series, self._moment[here], days_ago=_INDEX[name])
            return made
        if name in _LISTINGS:
            for area, listings in self._facts.listings.items():
                here = np.flatnonzero(self._area == area)
                made[here] = _of_listings(name, listings, self._moment[here])
            return made
        if name not in _PRICES and name not in _COUNTS:
            raise KeyError(name)
        for area, (known, ended, prices) in self._facts.homes.items():
            here = np.flatnonzero(self._area == area)
            if name in _PRICES:
                then = self._moment[here] - _PRICES[name] * DAY_US
                made[here] = medians_known(known, ended, prices, then)
            else:
                made[here] = _count_known(known, ended, self._moment[here] - _COUNTS[name] * DAY_US)
        return made


def _newest_known(series: Series, moment: Micros, *, days_ago: int) -> Numbers:
    """Value with the latest ``happened`` at or before a time, among those that were known at the moment."""
    happened, learned, ended, values = series
    happened_by = moment - days_ago * DAY_US
    if len(moment) <= _FEW:
        at = moment[:, None]
        known = (happened <= happened_by[:, None]) & (learned <= at) & (ended > at)
        newest = known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
        return np.where(known.any(axis=1), values[newest], np.nan)
    found = np.full(len(moment), np.nan)
    for when, told, over, value in zip(
        happened.tolist(), learned.tolist(), ended.tolist(), values.tolist(), strict=True
    ):  # rising: the last one written is the newest
        found[(when <= happened_by) & (told <= moment) & (over > moment)] = value
    return found


def _count_known(known: Micros, ended: Micros, then: Micros) -> Numbers:
    """Count the homes that were known at each time."""
    real = known < ended  # a version that was corrected before it began was never known
    begun = np.searchsorted(np.sort(known[real]), then, side="right")
    over = np.searchsorted(np.sort(ended[real]), then, side="right")
    return (begun - over).astype(np.float64)


def _of_listings(name: str, listings: Listings, moment: Micros) -> Numbers:
    """Number of an area at each moment: each version of a listing counts for a time of its own."""
    listed, since, until, ended, sold = listings
    if name == "for_sale_count":
        return _count_known(since, np.minimum(until, ended), moment)
    if name == "new_count_30d":
        return _count_known(since, np.minimum(until, listed + 30 * DAY_US), moment)
    if name == "days_for_sale":  # the middle of the times since is the time since the middle
        middle = medians_known(since, np.minimum(until, ended), listed / DAY_US, moment)
        return moment / DAY_US - middle
    listed, since, until, ended = listed[sold], since[sold], until[sold], ended[sold]
    known, over = np.maximum(since, ended), np.minimum(until, ended + SOLD_DAYS * DAY_US)
    if name == "sold_count_90d":
        return _count_known(known, over, moment)
    return medians_known(known, over, (ended - listed) / DAY_US, moment)
