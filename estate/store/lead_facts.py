"""The facts that features of some leads read, in one statement.

Every column comes as one run of bytes: what leaves Postgres is what numpy reads, and no row becomes a Python
object on the way. A single statement sees one state of the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories, Numbers
from estate.store.read_connections import ReadConnections

Micros = NDArray[np.int64]
Part = Literal["interactions", "viewed_prices", "messages", "index", "homes"]
PARTS: frozenset[Part] = frozenset(("interactions", "viewed_prices", "messages", "index", "homes"))
"""What can be left out where no feature reads it: interactions, the price of the home of each, messages,
the market index of the leads' areas, and the asking prices there."""

Series = tuple[Micros, Micros, Numbers]
"""When each value was so, when it was learned, and the value."""

_POSTGRES_EPOCH_US = 946_684_800_000_000  # 1 January 2000

_WANTED = """
WITH wanted AS MATERIALIZED (
  SELECT (asked.position - 1)::int4 AS at, l.*, LEAST(%(as_of)s::timestamptz, l.event_at + %(age)s) AS moment
  FROM unnest(%(lead_ids)s::text[]) WITH ORDINALITY AS asked (lead_id, position) JOIN leads l USING (lead_id)
  WHERE l.event_at <= %(as_of)s AND l.recorded_at <= %(as_of)s
), own AS (
  SELECT string_agg(int4send(at), ''::bytea) AS at, string_agg(timestamptz_send(event_at), '') AS created,
         string_agg(timestamptz_send(moment), '') AS moment,
         string_agg(timestamptz_send(recorded_at), '') AS learned,
         array_agg(source) AS source, array_agg(area) AS area, array_agg(financing) AS financing,
         string_agg(float8send(coalesce(budget_usd, 'NaN')), '') AS budget_usd,
         string_agg(float8send(coalesce(bedrooms_wanted, 'NaN')), '') AS bedrooms_wanted,
         string_agg(float8send(coalesce(timeline_days, 'NaN')), '') AS timeline_days
  FROM (SELECT * FROM wanted ORDER BY at) AS w
)"""
_INTERACTIONS = """
, interactions_of AS (
  SELECT string_agg(int4send(at), '') AS at, string_agg(timestamptz_send(event_at), '') AS happened,
         string_agg(timestamptz_send(recorded_at), '') AS learned, array_agg(kind) AS kind,
         string_agg(float8send(coalesce(duration_seconds, 'NaN')), '') AS duration_seconds{price}
  FROM (
    SELECT w.at, i.event_at, i.recorded_at, i.kind, i.duration_seconds{home}
    FROM wanted w JOIN interactions i ON i.lead_id = w.lead_id
     AND i.event_at <= w.moment AND i.recorded_at <= w.moment{join}
    ORDER BY w.at, i.event_at, i.interaction_id COLLATE "C"
  ) AS found
)"""
_PRICE = ", string_agg(float8send(coalesce(price_usd, 'NaN')), '') AS price_usd"
_JOIN = """
    LEFT JOIN properties p ON p.property_id = i.property_id
     AND p.event_at <= i.event_at AND p.recorded_at <= i.event_at"""
_MESSAGES = """
, messages_of AS (
  SELECT string_agg(int4send(at), '') AS at, string_agg(timestamptz_send(event_at), '') AS happened,
         string_agg(timestamptz_send(recorded_at), '') AS learned, array_agg(direction) AS direction,
         string_agg(int4send(length), '') AS length
  FROM (
    SELECT w.at, m.event_at, m.recorded_at, m.direction, char_length(m.text) AS length
    FROM wanted w JOIN messages m ON m.lead_id = w.lead_id
     AND m.event_at <= w.moment AND m.recorded_at <= w.moment
    ORDER BY w.at, m.event_at, m.message_id COLLATE "C"
  ) AS found
)"""
_INDEX = """
, index_of AS (
  SELECT array_agg(area) AS area, array_agg(happened) AS happened, array_agg(learned) AS learned,
         array_agg(value) AS value
  FROM (
    SELECT area, string_agg(timestamptz_send(event_at), '') AS happened,
           string_agg(timestamptz_send(recorded_at), '') AS learned,
           string_agg(float8send(value), '') AS value
    FROM (
      SELECT * FROM market_index
      WHERE area IN (SELECT area FROM wanted) AND event_at <= %(as_of)s AND recorded_at <= %(as_of)s
      ORDER BY area, event_at, index_id COLLATE "C"
    ) AS series
    GROUP BY area
  ) AS found
)"""
_HOMES = """
, homes_of AS (
  SELECT array_agg(area) AS area, array_agg(known) AS known, array_agg(price) AS price
  FROM (
    SELECT area, string_agg(timestamptz_send(GREATEST(event_at, recorded_at)), '') AS known,
           string_agg(float8send(coalesce(price_usd, 'NaN')), '') AS price
    FROM properties
    WHERE area IN (SELECT area FROM wanted) AND event_at <= %(as_of)s AND recorded_at <= %(as_of)s
    GROUP BY area
  ) AS found
)"""


@dataclass(frozen=True)
class EventRows:
    """Events of the leads, ordered by lead, time and id; arrays of shape (events,).

    Parameters
    ----------
    lead : int64 array
        Position of the event's lead.
    happened, learned : int64 array
        Microseconds since 1970, UTC.
    name : sequence of str
        Kind of an interaction, direction of a message.
    numbers : mapping of str to float64 array
    """

    lead: NDArray[np.int64]
    happened: Micros
    learned: Micros
    name: Sequence[str]
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
    index : mapping of str to three arrays, optional
        By area: when each value was so, rising, when it was learned, and the value.
    homes : mapping of str to pair of arrays, optional
        By area: since when each home is known, rising, and its asking price in USD.
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
    homes: dict[str, tuple[Micros, Numbers]] | None


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
    row = iter(connections.row(_statement(parts), values))
    own = [next(row) for _ in range(10)]
    position = _ints(own[0])
    numbers = {
        name: _floats(own[7 + i]) for i, name in enumerate(("budget_usd", "bedrooms_wanted", "timeline_days"))
    }
    categories = {name: _texts(own[4 + i]) for i, name in enumerate(("source", "area", "financing"))}
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
    )


@lru_cache
def _statement(parts: frozenset[Part]) -> bytes:
    """Return the statement that reads these parts, and no others."""
    made, of = _WANTED, ["own"]
    if "interactions" in parts:
        prices = "viewed_prices" in parts
        words = {"price": _PRICE, "home": ", p.price_usd", "join": _JOIN} if prices else {}
        made += _INTERACTIONS.format(**{"price": "", "home": "", "join": "", **words})
        of.append("interactions_of")
    if "messages" in parts:
        made += _MESSAGES
        of.append("messages_of")
    if "index" in parts:
        made += _INDEX
        of.append("index_of")
    if "homes" in parts:
        made += _HOMES
        of.append("homes_of")
    columns = ", ".join(f"{name}.*" for name in of)
    return f"{made}\nSELECT {columns} FROM {', '.join(of)}".encode()


def _interactions(row: Iterator[Any], position: NDArray[np.int64], parts: frozenset[Part]) -> EventRows:
    lead, happened, learned = _ints(next(row)), _times(next(row)), _times(next(row))
    kind, numbers = next(row) or (), {"duration_seconds": _floats(next(row))}
    if "viewed_prices" in parts:
        numbers["price_usd"] = _floats(next(row))
    return EventRows(np.searchsorted(position, lead), happened, learned, kind, numbers)


def _messages(row: Iterator[Any], position: NDArray[np.int64]) -> EventRows:
    lead, happened, learned = _ints(next(row)), _times(next(row)), _times(next(row))
    direction, length = next(row) or (), _ints(next(row)).astype(np.float64)
    return EventRows(np.searchsorted(position, lead), happened, learned, direction, {"length": length})


def _index(row: Iterator[Any]) -> dict[str, Series]:
    columns = [next(row) or () for _ in range(4)]
    return {
        area: (_times(happened), _times(learned), _floats(value))
        for area, happened, learned, value in zip(*columns, strict=True)
    }


def _homes(row: Iterator[Any]) -> dict[str, tuple[Micros, Numbers]]:
    areas, known, prices = (next(row) or () for _ in range(3))
    made = {}
    for area, since, price in zip(areas, known, prices, strict=True):
        times = _times(since)
        order = np.argsort(times, kind="stable")
        made[area] = times[order], _floats(price)[order]
    return made


def _ints(run: bytes | None) -> NDArray[np.int64]:
    return np.frombuffer(run or b"", dtype=">i4").astype(np.int64)


def _times(run: bytes | None) -> Micros:
    return np.frombuffer(run or b"", dtype=">i8").astype(np.int64) + _POSTGRES_EPOCH_US


def _floats(run: bytes | None) -> Numbers:
    return np.frombuffer(run or b"", dtype=">f8").astype(np.float64)


def _texts(values: Sequence[str | None] | None) -> Categories:
    return np.array(values or (), dtype=object)
