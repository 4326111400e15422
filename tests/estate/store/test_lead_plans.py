"""How Postgres finds the facts of a lead, on tables of a size at which a wrong plan would be felt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from estate.store.database import Database
from estate.store.lead_statement import PARTS, statement

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
FILL = """
INSERT INTO leads (lead_id, area, event_at, recorded_at)
SELECT 'l' || i, 'area ' || i % 4000, t, t FROM generate_series(1, 20000) i,
  LATERAL (SELECT timestamptz '2026-01-01Z' + i * interval '5 minutes' AS t) AS at;
INSERT INTO properties (property_id, area, price_usd, event_at, recorded_at)
SELECT 'p' || i, 'area ' || i % 4000, i, timestamptz '2025-12-01Z', timestamptz '2025-12-01Z'
FROM generate_series(1, 40000) i;
INSERT INTO listings (listing_id, area, status, event_at, recorded_at)
SELECT 's' || i, 'area ' || i % 4000, 'active', t, t FROM generate_series(1, 60000) i,
  LATERAL (SELECT timestamptz '2024-01-01Z' + i * interval '20 minutes' AS t) AS at;
INSERT INTO market_index (index_id, area, value, event_at, recorded_at)
SELECT 'x' || i, 'area ' || i % 4000, 100, t, t FROM generate_series(1, 20000) i,
  LATERAL (SELECT timestamptz '2024-01-01Z' + i * interval '1 hour' AS t) AS at;
INSERT INTO interactions (interaction_id, lead_id, kind, property_id, event_at, recorded_at)
SELECT 'i' || i, 'l' || 1 + i % 20000, 'visit', 'p' || 1 + i % 40000, t, t
FROM generate_series(1, 300000) i,
  LATERAL (SELECT timestamptz '2026-01-01Z' + i % 20000 * interval '5 min' + i % 7 * interval '1 h' AS t) at;
INSERT INTO messages (message_id, lead_id, direction, text, event_at, recorded_at)
SELECT 'm' || i, 'l' || 1 + i % 20000, 'in', 'x', t, t FROM generate_series(1, 100000) i,
  LATERAL (SELECT timestamptz '2026-01-01Z' + (i % 20000) * interval '5 minutes' AS t) AS at;
UPDATE leads SET superseded_at = 'infinity';
VACUUM ANALYZE leads, properties, listings, market_index, interactions, messages
"""


@pytest.mark.thorough
@pytest.mark.parametrize("leads", [1, 20])
def test_every_fact_of_a_lead_is_found_by_an_index(database: Database, leads: int) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        for one in FILL.split(";"):
            connection.execute(one.encode())
        values = {
            "lead_ids": [f"l{1 + 700 * i}" for i in range(leads)],
            "as_of": AS_OF,
            "age": timedelta(days=7),
        }
        row = connection.execute(b"EXPLAIN (FORMAT JSON) " + statement(PARTS), values).fetchone()
    assert row is not None
    plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
    scans = list(_scans(plan[0]["Plan"]))
    assert {table for table, _, _ in scans} == {
        "leads",
        "interactions",
        "messages",
        "properties",
        "market_index",
        "listings",
    }
    assert [scan for scan in scans if scan[1] == "Seq Scan"] == []
    used = {(table, index) for table, _, index in scans}
    assert ("interactions", "ix_interactions_lead_event") in used
    assert ("messages", "ix_messages_lead_event") in used
    assert ("market_index", "ix_market_index_area_event") in used
    assert ("listings", "ix_listings_area_event") in used
    assert {("properties", "properties_pkey"), ("properties", "ix_properties_area")} <= used
    assert {index for table, index in used if table == "leads"} == {"leads_pkey"}


def _scans(node: dict[str, Any], index: str | None = None) -> Iterator[tuple[str, str, str | None]]:
    """Each scan of a table: its name, how, and by which index."""
    if "Relation Name" in node:
        found = [node.get("Index Name"), *(below.get("Index Name") for below in node.get("Plans", ()))]
        yield node["Relation Name"], node["Node Type"], next((name for name in found if name), index)
    for below in node.get("Plans", ()):
        yield from _scans(below)
