"""The facts that features of some leads read, in one statement.

Every column comes as one run of bytes: what leaves Postgres is what numpy reads, and no row becomes a Python
object on the way. A single statement sees one state of the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories, Numbers
from estate.store.lead_statement import PARTS, Part, statement
from estate.store.read_connections import ReadConnections

Micros = NDArray[np.int64]
Series = tuple[Micros, Micros, Micros, Numbers]
"""When each value was so, when it was learned, when it was superseded, and the value."""
Homes = tuple[Micros, Micros, Numbers]
"""Since when each version of a home is known, until when, and its asking price in USD."""
Listings = tuple[Micros, Micros, Micros, Micros, NDArray[np.bool_]]
"""When each listing came on the market, since when this version of it is known, until when, when it was sold
or withdrawn, and whether it was sold."""

VIEWED: dict[Part, tuple[str, ...]] = {
    "viewed_homes": ("price_usd", "bedrooms", "living_area_sqft"),
    "viewed_names": ("property_id", "area"),
    "campaigns": ("campaign",),
}
"""Columns of interactions that are read by a part of their own: of the home looked at, and the campaign."""
LEAD_TEXTS = ("source", "area", "financing", "time_zone", "campaign")
LEAD_NUMBERS = ("budget_usd", "bedrooms_wanted", "timeline_days")

_POSTGRES_EPOCH_US = 946_684_800_000_000  # 1 January 2000


@dataclass(frozen=True)
class EventRows:
    """Events of the leads, ordered by lead, time and id; arrays of shape (events,).

    Parameters
    ----------
    lead : int64 array
        Position of the event's lead.
    happened, learned : int64 array
        Microseconds since 1970, UTC.
    texts : mapping of str to sequence of str
        ``kind`` of an interaction; ``property_id`` and the property's ``area``; ``direction`` and ``channel``
        of a message. None is missing.
    numbers : mapping of str to float64 array
    """

    lead: NDArray[np.int64]
    happened: Micros
    learned: Micros
    texts: dict[str, Sequence[str | None]]
    numbers: dict[str, Numbers]


@dataclass(frozen=True)
class LeadFacts:
    """Facts of n leads that are known, each as of its own moment; what was not asked for is None.

    Parameters
    ----------
    position : int64 array of shape (n,)
        Of each lead among those asked for, rising.
    created, moment, learned : int64 array of shape (n,)
        When the lead came, as of when it is judged, and when we learned of it; microseconds since 1970, UTC.
    numbers, categories : mapping of str to array of shape (n,)
        Attributes of the lead itself.
    interactions, messages : EventRows, optional
    index : mapping of str to four arrays, optional
        By area: when each value was so, rising, when it was learned and superseded, and the value.
    homes : mapping of str to three arrays, optional
        By area: since when each version of a home is known, until when, and its asking price in USD.
    listings : mapping of str to five arrays, optional
        By area, those of them that may count: see :data:`Listings`.
    """

    position: NDArray[np.int64]
    created: Micros
    moment: Micros
    learned: Micros
    numbers: dict[str, Numbers]
    categories: dict[str, Categories]
    interactions: EventRows | None
    messages: EventRows | None
    index: dict[str, Series] | None
    homes: dict[str, Homes] | None
    listings: dict[str, Listings] | None


def read_lead_facts(
    connections: ReadConnections,
    lead_ids: Sequence[str],
    *,
    as_of: datetime,
    age_us: int,
    parts: frozenset[Part] = PARTS,
) -> LeadFacts:
    """Read what was known of some leads, by both clocks, in one round trip.

    Parameters
    ----------
    connections : ReadConnections
    lead_ids : sequence of str
        Each once; those that are not known by ``as_of`` are left out.
    as_of : datetime
    age_us : int
        A lead that is older, in microseconds, is read as of that age.
    parts : frozenset of str
        Which facts are read.

    Raises
    ------
    StoreError
        If the database can't be reached or lacks a table.
    """
    values = {"lead_ids": list(lead_ids), "as_of": as_of, "age": timedelta(microseconds=age_us)}
    row = iter(connections.row(statement(parts), values))
    own = [next(row) for _ in range(12)]
    position = _ints(own[0])
    numbers = {name: _floats(own[9 + i]) for i, name in enumerate(LEAD_NUMBERS)}
    categories = {name: _texts(own[4 + i]) for i, name in enumerate(LEAD_TEXTS)}
    return LeadFacts(
        position,
        created=_times(own[1]),
        moment=_times(own[2]),
        learned=_times(own[3]),
        numbers=numbers,
        categories=categories,
        interactions=_interactions(row, position, parts) if "interactions" in parts else None,
        messages=_messages(row, position) if "messages" in parts else None,
        index=_index(row) if "index" in parts else None,
        homes=_homes(row) if "homes" in parts else None,
        listings=_listings(row) if "listings" in parts else None,
    )


def _interactions(row: Iterator[Any], position: NDArray[np.int64], parts: frozenset[Part]) -> EventRows:
    lead, happened, learned = _ints(next(row)), _times(next(row)), _times(next(row))
    texts: dict[str, Sequence[str | None]] = {"kind": next(row) or ()}
    numbers = {"duration_seconds": _floats(next(row))}
    if "viewed_homes" in parts:
        numbers |= {name: _floats(next(row)) for name in VIEWED["viewed_homes"]}
    if "viewed_names" in parts:
        texts |= {name: next(row) or () for name in VIEWED["viewed_names"]}
    if "campaigns" in parts:
        texts["campaign"] = next(row) or ()
    return EventRows(np.searchsorted(position, lead), happened, learned, texts, numbers)


def _messages(row: Iterator[Any], position: NDArray[np.int64]) -> EventRows:
    lead, happened, learned = _ints(next(row)), _times(next(row)), _times(next(row))
    texts: dict[str, Sequence[str | None]] = {name: next(row) or () for name in ("direction", "channel")}
    numbers = {"length": _ints(next(row)).astype(np.float64), "sentiment": _floats(next(row))}
    return EventRows(np.searchsorted(position, lead), happened, learned, texts, numbers)


def _index(row: Iterator[Any]) -> dict[str, Series]:
    columns = [next(row) or () for _ in range(5)]
    return {
        area: (_times(happened), _times(learned), _ends(ended), _floats(value))
        for area, happened, learned, ended, value in zip(*columns, strict=True)
    }


def _homes(row: Iterator[Any]) -> dict[str, Homes]:
    columns = [next(row) or () for _ in range(4)]
    return {
        area: (_times(since), _ends(ended), _floats(price))
        for area, since, ended, price in zip(*columns, strict=True)
    }


def _listings(row: Iterator[Any]) -> dict[str, Listings]:
    columns = [next(row) or () for _ in range(6)]
    return {
        area: (_times(listed), _times(since), _ends(until), _ends(ended), _ints(sold) > 0)
        for area, listed, since, until, ended, sold in zip(*columns, strict=True)
    }


def _ints(run: bytes | None) -> NDArray[np.int64]:
    return np.frombuffer(run or b"", dtype=">i4").astype(np.int64)


def _times(run: bytes | None) -> Micros:
    return np.frombuffer(run or b"", dtype=">i8").astype(np.int64) + _POSTGRES_EPOCH_US


def _ends(run: bytes | None) -> Micros:
    sent, never = np.frombuffer(run or b"", dtype=">i8").astype(np.int64), np.iinfo(np.int64).max
    return np.where(sent == never, never, sent + (sent < never) * _POSTGRES_EPOCH_US)


def _floats(run: bytes | None) -> Numbers:
    return np.frombuffer(run or b"", dtype=">f8").astype(np.float64)


def _texts(values: Sequence[str | None] | None) -> Categories:
    return np.array(values or (), dtype=object)
