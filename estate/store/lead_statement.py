"""The one statement that reads the facts of some leads.

Every column comes as one run of bytes: what leaves Postgres is what numpy reads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

Part = Literal[
    "interactions", "viewed_homes", "viewed_names", "campaigns", "messages", "index", "homes", "listings"
]
PARTS: frozenset[Part] = frozenset(get_args(Part))
"""What can be left out where no feature reads it: interactions, the numbers and the names (id, area) of the
home that each looked at, its campaign, messages, and of the leads' areas index, prices and listings."""

SOLD_DAYS = 90
"""Days for which a listing that ended still counts."""

_WANTED = """
WITH wanted AS MATERIALIZED (
  SELECT came.at, came.lead_id, came.event_at, came.moment,
         coalesce(l.recorded_at, came.recorded_at) AS recorded_at, l.source, l.area, l.financing, l.time_zone,
         l.campaign,         l.budget_usd, l.bedrooms_wanted, l.timeline_days
  FROM (
    SELECT (asked.position - 1)::int4 AS at, n.lead_id, n.event_at, n.recorded_at,
           LEAST(%(as_of)s::timestamptz, n.event_at + %(age)s) AS moment
    FROM unnest(%(lead_ids)s::text[]) WITH ORDINALITY AS asked (lead_id, position)
    JOIN leads n USING (lead_id)
    WHERE n.event_at <= %(as_of)s AND n.recorded_at <= %(as_of)s AND n.superseded_at > %(as_of)s
  ) AS came
  LEFT JOIN leads l
    ON l.lead_id = came.lead_id AND l.recorded_at <= came.moment AND l.superseded_at > came.moment
), own AS (
  SELECT string_agg(int4send(at), ''::bytea) AS at, string_agg(timestamptz_send(event_at), '') AS created,
         string_agg(timestamptz_send(moment), '') AS moment,
         string_agg(timestamptz_send(recorded_at), '') AS learned,
         array_agg(source) AS source, array_agg(area) AS area, array_agg(financing) AS financing,
         array_agg(time_zone) AS time_zone, array_agg(campaign) AS campaign,
         string_agg(float8send(coalesce(budget_usd, 'NaN')), '') AS budget_usd,
         string_agg(float8send(coalesce(bedrooms_wanted, 'NaN')), '') AS bedrooms_wanted,
         string_agg(float8send(coalesce(timeline_days, 'NaN')), '') AS timeline_days
  FROM (SELECT * FROM wanted ORDER BY at) AS w
)"""
_INTERACTIONS = """
, interactions_of AS (
  SELECT string_agg(int4send(at), '') AS at, string_agg(timestamptz_send(event_at), '') AS happened,
         string_agg(timestamptz_send(recorded_at), '') AS learned, array_agg(kind) AS kind,
         string_agg(float8send(coalesce(duration_seconds, 'NaN')), '') AS duration_seconds{shown}
  FROM (
    SELECT w.at, i.event_at, i.recorded_at, i.kind, i.duration_seconds{read}
    FROM wanted w JOIN interactions i ON i.lead_id = w.lead_id
     AND i.event_at <= w.moment AND i.recorded_at <= w.moment AND i.superseded_at > w.moment{join}
    ORDER BY w.at, i.event_at, i.interaction_id COLLATE "C"
  ) AS found
)"""
_SHOWN: dict[Part, str] = {
    "viewed_homes": """,
         string_agg(float8send(coalesce(price_usd, 'NaN')), '') AS price_usd,
         string_agg(float8send(coalesce(bedrooms, 'NaN')), '') AS bedrooms,
         string_agg(float8send(coalesce(living_area_sqft, 'NaN')), '') AS living_area_sqft""",
    "viewed_names": """,
         array_agg(property_id) AS property_id, array_agg(area) AS area""",
    "campaigns": """,
         array_agg(campaign) AS campaign""",
}
_READ: dict[Part, str] = {
    "viewed_homes": ", p.price_usd, p.bedrooms, p.living_area_sqft",
    "viewed_names": ", i.property_id, p.area",
    "campaigns": ", i.campaign",
}
_OF_HOMES: frozenset[Part] = frozenset(("viewed_homes", "viewed_names"))
_JOIN = """
    LEFT JOIN properties p ON p.property_id = i.property_id
     AND p.event_at <= i.event_at AND p.recorded_at <= i.event_at AND p.superseded_at > i.event_at"""
_MESSAGES = """
, messages_of AS (
  SELECT string_agg(int4send(at), '') AS at, string_agg(timestamptz_send(event_at), '') AS happened,
         string_agg(timestamptz_send(recorded_at), '') AS learned, array_agg(direction) AS direction,
         array_agg(channel) AS channel, string_agg(int4send(length), '') AS length,
         string_agg(float8send(coalesce(sentiment, 'NaN')), '') AS sentiment
  FROM (
    SELECT w.at, m.event_at, m.recorded_at, m.direction, m.channel,
           char_length(m.text) AS length, m.sentiment
    FROM wanted w JOIN messages m ON m.lead_id = w.lead_id
     AND m.event_at <= w.moment AND m.recorded_at <= w.moment AND m.superseded_at > w.moment
    ORDER BY w.at, m.event_at, m.message_id COLLATE "C"
  ) AS found
)"""
_INDEX = """
, index_of AS (
  SELECT array_agg(area) AS area, array_agg(happened) AS happened, array_agg(learned) AS learned,
         array_agg(ended) AS ended, array_agg(value) AS value
  FROM (
    SELECT area, string_agg(timestamptz_send(event_at), '') AS happened,
           string_agg(timestamptz_send(recorded_at), '') AS learned,
           string_agg(timestamptz_send(superseded_at), '') AS ended,
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
  SELECT array_agg(area) AS area, array_agg(known) AS known, array_agg(ended) AS ended,
         array_agg(price) AS price
  FROM (
    SELECT area, string_agg(timestamptz_send(GREATEST(event_at, recorded_at)), '') AS known,
           string_agg(timestamptz_send(superseded_at), '') AS ended,
           string_agg(float8send(coalesce(price_usd, 'NaN')), '') AS price
    FROM properties
    WHERE area IN (SELECT area FROM wanted) AND event_at <= %(as_of)s AND recorded_at <= %(as_of)s
    GROUP BY area
  ) AS found
)"""

_LISTINGS = """
, listings_of AS (
  SELECT array_agg(area) AS area, array_agg(listed) AS listed, array_agg(known) AS known,
         array_agg(until) AS until, array_agg(ended) AS ended, array_agg(sold) AS sold
  FROM (
    SELECT area, string_agg(timestamptz_send(event_at), '') AS listed,
           string_agg(timestamptz_send(GREATEST(event_at, recorded_at)), '') AS known,
           string_agg(timestamptz_send(superseded_at), '') AS until,
           string_agg(timestamptz_send(coalesce(ended_at, 'infinity')), '') AS ended,
           string_agg(int4send((status = 'sold')::int4), '') AS sold
    FROM listings
    WHERE area IN (SELECT area FROM wanted) AND event_at <= %(as_of)s AND recorded_at <= %(as_of)s
      AND superseded_at > (SELECT min(moment) FROM wanted)
      AND coalesce(ended_at, 'infinity') >= (SELECT min(moment) FROM wanted) - interval '{sold_days} days'
    GROUP BY area
  ) AS found
)"""


@lru_cache
def statement(parts: frozenset[Part]) -> bytes:
    """Return the statement that reads these parts, and no others."""
    made, of = _WANTED, ["own"]
    if "interactions" in parts:
        viewed = [part for part in _SHOWN if part in parts]
        shown, read = ("".join(words[part] for part in viewed) for words in (_SHOWN, _READ))
        made += _INTERACTIONS.format(shown=shown, read=read, join=_JOIN if _OF_HOMES & parts else "")
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
    if "listings" in parts:
        made += _LISTINGS.format(sold_days=SOLD_DAYS)
        of.append("listings_of")
    columns = ", ".join(f"{name}.*" for name in of)
    return f"{made}\nSELECT {columns} FROM {', '.join(of)}".encode()
