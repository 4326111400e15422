"""Homes as they are offered: what is known of each, and during which time it is known to be for sale."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories, Numbers
from estate.features.events import Micros
from estate.features.fact_columns import NEVER, FactColumns

_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Offers:
    """Homes that are for sale, one row for each span of time in which the same is known of one.

    A home is for sale while the newest version that is known of its listing says ``active``; one without any
    listing is for sale until one is known. Arrays of shape (n,), in the order of ``since``.

    Parameters
    ----------
    ids : object array
        The property's.
    home : int64 array
        Position of the property among all that were ever known: the same for all of its offers.
    area, kind : object arrays
        None where it is not known.
    price_usd, bedrooms, living_area_sqft : float64 arrays
        The price that the listing asks; the property's own where the listing names none.
    listed_at : int64 array
        When it came on the market; microseconds since 1970, UTC.
    since, until : int64 arrays
        From when to before when this is what is known.
    """

    ids: Categories
    home: _Rows
    area: Categories
    kind: Categories
    price_usd: Numbers
    bedrooms: Numbers
    living_area_sqft: Numbers
    listed_at: Micros
    since: Micros
    until: Micros

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Offers:
        """Return some of the offers."""
        return Offers(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def at(self, moment: int) -> Offers:
        """Return what is for sale at a moment, each home once."""
        rows = np.flatnonzero((self.since <= moment) & (self.until > moment))
        _, last = np.unique(self.home[rows][::-1], return_index=True)
        return self.take(np.sort(rows[len(rows) - 1 - last]))

    @classmethod
    def of(cls, properties: FactColumns, listings: FactColumns) -> Offers:
        """Put together properties and their listings, both with all versions that are known.

        Parameters
        ----------
        properties, listings : FactColumns
            Columns of the tables of those names, with ``superseded_at``.
        """
        names = properties.coded("property_id")
        since = np.maximum(properties.times("event_at"), properties.times("recorded_at"))
        until = properties.times("superseded_at")
        of = [names.names.get(name, -1) for name in listings.texts("property_id").tolist()]
        lists = np.array(of, dtype=np.int64)
        listed_since = np.maximum(listings.times("event_at"), listings.times("recorded_at"))
        first = np.full(len(names.names) + 1, NEVER)
        np.minimum.at(first, lists, listed_since)
        active = np.flatnonzero(listings.coded("status").among("active") & (lists >= 0))
        home, listing = _joined(names.codes, lists[active])
        listing = active[listing]
        alone = np.arange(len(names.codes))
        row = np.concatenate([home, alone])
        of_listing = np.concatenate([listing, np.full(len(alone), -1)])
        begins = np.concatenate([np.maximum(since[home], listed_since[listing]), since])
        ends = np.concatenate(
            [
                np.minimum(until[home], listings.times("superseded_at")[listing]),
                np.minimum(until, first[names.codes]),
            ]
        )
        asked = np.append(listings.numbers("price_usd"), np.nan)[of_listing]
        price = np.where(np.isnan(asked), properties.numbers("price_usd")[row], asked)
        came = np.append(listings.times("event_at"), 0)[of_listing]
        kept = np.flatnonzero(begins < ends)
        kept = kept[np.lexsort((names.codes[row[kept]], begins[kept]))]
        row = row[kept]
        return cls(
            ids=names.values[row],
            home=names.codes[row],
            area=properties.texts("area")[row],
            kind=properties.texts("kind")[row],
            price_usd=price[kept],
            bedrooms=properties.numbers("bedrooms")[row],
            living_area_sqft=properties.numbers("living_area_sqft")[row],
            listed_at=np.where(of_listing[kept] >= 0, came[kept], properties.times("event_at")[row]),
            since=begins[kept],
            until=ends[kept],
        )


def _joined(left: _Rows, right: _Rows) -> tuple[_Rows, _Rows]:
    """Return the positions of all pairs with the same code."""
    order = np.argsort(right, kind="stable")
    first = np.searchsorted(right[order], left, side="left")
    count = np.searchsorted(right[order], left, side="right") - first
    row = np.repeat(np.arange(len(left)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, order[np.repeat(first, count) + step]


def kinds_of(offers: Offers) -> dict[str, str | None]:
    """Return the kind of each home by its id."""
    return dict(zip(offers.ids.tolist(), offers.kind.tolist(), strict=True))
