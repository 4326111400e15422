"""Which home each view, save and tour is of: drawn among those for sale, by the lead's taste."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.datasets.world.behaviour import INTERACTIONS, Events
from estate.datasets.world.endings import Endings
from estate.datasets.world.market import Properties
from estate.datasets.world.taste import SEEN_BEFORE, SHARPNESS, Tastes
from estate.datasets.world.world import DAY, Micros

_Rows = NDArray[np.int64]
_WINDOW = 7 * DAY
_SPLIT = 2.0**26  # a uniform number has 53 random bits: the upper ones choose the area, the others the home


@dataclass(frozen=True)
class Market:
    """What the leads choose from."""

    tastes: Tastes
    listed: Properties
    ends: Endings

    def open(self, home: _Rows, at: Micros) -> NDArray[np.bool_]:
        """Return which homes are known and for sale at given times; the arrays are broadcast."""
        return np.asarray((self.listed.recorded_at[home] <= at) & (self.ends.ended_at[home] > at))


def look(market: Market, events: Events) -> _Rows:
    """Return the position of the home of each event; -1 where it is of none, or none is for sale."""
    found = np.full(len(events.kind), -1, dtype=np.int64)
    seen = np.array([], dtype=np.int64)
    for kind, sharpness in SHARPNESS.items():  # views first: what was viewed is likelier saved and toured
        rows = np.flatnonzero(events.kind == INTERACTIONS.index(kind))
        before = _seen_before(events, found, seen, rows)
        found[rows] = _choose(market, events.take(rows), sharpness, before)
        seen = np.concatenate([seen, rows[found[rows] >= 0]])
    return found


@dataclass(frozen=True)
class _Seen:
    """Pairs of an event, by its place among those that are drawn now, and a home seen before it."""

    place: _Rows
    home: _Rows

    def take(self, rows: NDArray[np.bool_] | slice | _Rows) -> _Seen:
        """Return some of the pairs."""
        return _Seen(self.place[rows], self.home[rows])


class _Starts:
    """Pairs in the order of area and week, so that those of one part are found without a search."""

    def __init__(self, area: _Rows, window: _Rows, seen: _Seen) -> None:
        self._window = window[seen.place]
        self._least = int(self._window.min(initial=0))
        self._span = int(self._window.max(initial=0)) - self._least + 1
        key = area[seen.place] * self._span + self._window - self._least
        order = np.argsort(key, kind="stable")
        self._key, self._seen = key[order], seen.take(order)

    def of(self, area: int, window: int) -> _Seen:
        """Return the pairs of one area in one week."""
        if not self._least <= window < self._least + self._span:
            return self._seen.take(slice(0))
        first, last = np.searchsorted(self._key, area * self._span + window - self._least + np.arange(2))
        return self._seen.take(slice(first, last))


def _seen_before(events: Events, found: _Rows, seen: _Rows, rows: _Rows) -> _Seen:
    """Pair each event with every home that its lead had looked at before."""
    seen = seen[np.lexsort((events.event_at[seen], events.lead[seen]))]
    span = int(events.event_at.max(initial=0)) - int(events.event_at.min(initial=0)) + 1
    since = events.event_at - int(events.event_at.min(initial=0))
    if not len(seen):
        return _Seen(seen, seen)
    key = events.lead[seen] * span + since[seen]
    first = np.searchsorted(key, events.lead[rows] * span)
    count = np.searchsorted(key, events.lead[rows] * span + since[rows]) - first
    place = np.repeat(np.arange(len(rows)), count)
    step = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    return _Seen(place, found[seen[np.repeat(first, count) + step]])


def _choose(market: Market, events: Events, sharpness: float, before: _Seen) -> _Rows:
    """Choose the area by the sum of its homes' weights, then the home within it."""
    tastes, u = market.tastes, events.uniform[:, 0]
    own, own_home = _in_area(market, events, tastes.area[events.lead], sharpness, before)
    other, other_home = _in_area(market, events, tastes.other_area[events.lead], sharpness, before)
    chosen = np.where(u * (own + other) < own, own_home, other_home)
    return np.where(own + other > 0, chosen, -1)


def _in_area(
    market: Market, events: Events, area: _Rows, sharpness: float, before: _Seen
) -> tuple[Numbers, _Rows]:
    """Return the weight of one area's homes for each event, and the home that is drawn among them."""
    total, home = np.zeros(len(area)), np.full(len(area), -1, dtype=np.int64)
    place = np.empty(len(area), dtype=np.int64)
    column = np.full(len(market.listed.area), -1, dtype=np.int64)
    before = before.take(area[before.place] == market.listed.area[before.home])
    starts = _Starts(area, events.event_at // _WINDOW, before)
    for code, window, rows in _parts(events, area):
        homes = _homes(market, code, window)
        if not len(homes):
            continue
        at = events.event_at[rows][:, None]
        utility = market.tastes.utility(market.listed, events.lead[rows][:, None], homes[None, :], at)
        weight = np.where(market.open(homes[None, :], at), np.exp(sharpness * utility), 0.0)
        place[rows], column[homes] = np.arange(len(rows)), np.arange(len(homes))
        gain = np.ones_like(weight)
        again = starts.of(code, window)
        again = again.take(column[again.home] >= 0)
        gain[place[again.place], column[again.home]] = np.exp(SEEN_BEFORE)
        column[homes] = -1
        sums = np.cumsum(weight * gain, axis=1)
        total[rows] = sums[:, -1]
        lower = np.modf(events.uniform[rows, 0] * _SPLIT)[0]
        picked = (sums <= (lower * sums[:, -1])[:, None]).sum(axis=1)
        home[rows] = homes[np.minimum(picked, len(homes) - 1)]
    return total, home


def _parts(events: Events, area: _Rows) -> Iterator[tuple[int, int, _Rows]]:
    """Yield the events of one area in one week, so that few homes are weighed which are not for sale."""
    window = events.event_at // _WINDOW
    order = np.lexsort((window, area))
    changes = np.flatnonzero((np.diff(window[order]) != 0) | (np.diff(area[order]) != 0)) + 1
    for rows in np.split(order, changes):
        if len(rows):
            yield int(area[rows[0]]), int(window[rows[0]]), rows


def _homes(market: Market, area: int, window: int) -> _Rows:
    """Homes of an area that may be for sale at some moment of a week."""
    inside = (market.listed.area == area) & (market.listed.recorded_at < (window + 1) * _WINDOW)
    return np.flatnonzero(inside & (market.ends.ended_at > window * _WINDOW))
