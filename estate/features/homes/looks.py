"""The homes that leads have looked at: views, saves and tours, in the order in which they became known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories, Column, Numbers
from estate.features.events import DAY_US, Events, Micros
from estate.features.fact_columns import FactColumns

LOOKS = ("listing_view", "listing_save", "tour")
"""Kinds of interactions that are of a home, by how much each says: a tour is worth three views."""

POPULAR_DAYS = 14
_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Looks:
    """Looks of n leads, sorted by lead and by when they were known; arrays of shape (looks,).

    Parameters
    ----------
    leads : int
        How many leads there are (n); some may have no look.
    lead : int64 array
        Position of the lead.
    kind : int64 array
        Position in :data:`LOOKS`.
    happened_at, known_at : int64 array
        Microseconds since 1970, UTC; known when it had happened and was recorded.
    home : object array
        The property's id.
    area, home_kind : object arrays
    price_usd, bedrooms, living_area_sqft : float64 arrays
        Of the home as it was known when the lead looked at it.
    """

    leads: int
    lead: _Rows
    kind: _Rows
    happened_at: Micros
    known_at: Micros
    home: Categories
    area: Categories
    home_kind: Categories
    price_usd: Numbers
    bedrooms: Numbers
    living_area_sqft: Numbers

    def __len__(self) -> int:
        return len(self.lead)

    def take(self, rows: _Rows) -> Looks:
        """Return some of the looks, which stay in order."""
        columns = {field.name: getattr(self, field.name)[rows] for field in fields(self)[1:]}
        return Looks(self.leads, **columns)

    def before(self, lead: _Rows, moment: Micros) -> tuple[_Rows, _Rows]:
        """Return, for leads at moments, the positions of their looks that were known by then: first, last."""
        order = np.lexsort((moment, lead))
        edges = np.searchsorted(self.lead, np.arange(self.leads + 1))
        first = edges[lead]
        last = np.empty_like(first)
        # one merge by lead and time: codes of both together would be too large for 64 bits
        when = np.concatenate([self.known_at, moment[order]])
        whose = np.concatenate([self.lead, lead[order]])
        asked = np.concatenate([np.zeros(len(self), dtype=np.int8), np.ones(len(order), dtype=np.int8)])
        merged = np.lexsort((asked, when, whose))
        counted = np.cumsum(asked[merged] == 0)
        last[order] = counted[asked[merged] == 1]
        return first, last

    @classmethod
    def of_table(cls, interactions: FactColumns, lead_ids: Categories, properties: FactColumns) -> Looks:
        """Arrange the looks of a table of interactions.

        Parameters
        ----------
        interactions, properties : FactColumns
            Columns of the tables of those names; properties with all versions, and ``superseded_at``.
        lead_ids : object array of shape (n,)
            Each once.
        """
        kinds, ids = interactions.coded("kind"), interactions.coded("property_id")
        lead = interactions.positions("lead_id", lead_ids)
        rows = np.flatnonzero(kinds.among(*LOOKS) & (lead >= 0) & (ids.codes >= 0))
        happened = interactions.times("event_at")
        known = np.maximum(happened, interactions.times("recorded_at"))
        rows = rows[np.lexsort((happened[rows], known[rows], lead[rows]))]
        code = np.array([LOOKS.index(name) if name in LOOKS else -1 for name in [*kinds.names, None]])
        seen = _as_seen(properties, ids.values[rows], happened[rows])
        return cls(
            len(lead_ids),
            lead[rows],
            code[kinds.codes[rows]],
            happened[rows],
            known[rows],
            ids.values[rows],
            _at(properties.texts("area"), seen, None),
            _at(properties.texts("kind"), seen, None),
            *(
                _at(properties.numbers(name), seen, np.nan)
                for name in ("price_usd", "bedrooms", "living_area_sqft")
            ),
        )

    @classmethod
    def of_events(cls, events: Events, as_of: Micros, kinds: Mapping[str, str | None]) -> Looks:
        """Arrange the looks of histories that are read already, all of them known.

        Parameters
        ----------
        events : Events
            Interactions of n leads.
        as_of : int64 array of shape (n,)
            Microseconds since 1970, UTC.
        kinds : mapping of str to str
            The kind of each home by its id.
        """
        code = np.array([LOOKS.index(n) if n in LOOKS else -1 for n in [*events.texts["kind"].names, None]])
        homes = events.texts["property_id"]
        rows = np.flatnonzero((code[events.texts["kind"].codes] >= 0) & (homes.codes >= 0))
        happened = as_of[events.lead[rows]] - events.age[rows]
        named = homes.take(rows).values
        return cls(
            events.leads,
            events.lead[rows],
            code[events.texts["kind"].codes[rows]],
            happened,
            happened,
            named,
            events.texts["area"].take(rows).values,
            np.array([kinds.get(name) for name in named.tolist()], dtype=object),
            *(events.columns[name][rows] for name in ("price_usd", "bedrooms", "living_area_sqft")),
        )


def popularity(looks: Looks, home: Categories, moment: Micros, *, days: float = POPULAR_DAYS) -> Numbers:
    """Count the looks of any lead at homes that became known in the days before moments; shape (n,)."""
    codes = {name: code for code, name in enumerate(dict.fromkeys(looks.home.tolist()))}
    of_look = np.array([codes[name] for name in looks.home.tolist()], dtype=np.int64)
    wanted = np.array([codes.get(name, -1) for name in home.tolist()], dtype=np.int64)
    times = np.sort(looks.known_at)
    size = len(times) + 1
    keys = np.sort(of_look * size + np.searchsorted(times, looks.known_at, side="right"))

    def until(at: Micros) -> _Rows:
        rank = np.searchsorted(times, at, side="right")
        return np.asarray(np.searchsorted(keys, wanted * size + rank, side="right"))

    found = until(moment) - until(moment - int(days * DAY_US))
    return np.where(wanted >= 0, found, 0).astype(np.float64)


def _as_seen(properties: FactColumns, home: Categories, moment: Micros) -> _Rows:
    """Return the row of each home as it was known at a moment; -1 if it was not known."""
    wanted = properties.coded("property_id")
    since = np.maximum(properties.times("event_at"), properties.times("recorded_at"))
    until = properties.times("superseded_at")
    code = np.array([wanted.names.get(name, -1) for name in home.tolist()], dtype=np.int64)
    order = np.argsort(wanted.codes, kind="stable")
    edges = np.searchsorted(wanted.codes[order], np.arange(len(wanted.names) + 1))
    first, last = np.append(edges[:-1], 0)[code], np.append(edges[1:], 0)[code]
    row = np.full(len(home), -1)
    while (first < last).any():  # each property's versions one after the other
        at = order[np.minimum(first, len(order) - 1)]
        seen = (first < last) & (since[at] <= moment) & (until[at] > moment)
        row[seen] = at[seen]
        first = first + 1
    return row


def _at(values: Column, row: _Rows, missing: object) -> Column:
    return np.append(values, np.array([missing], dtype=values.dtype))[row]
