"""Facts of a desk on a rehearsal's own database: copied from another one, or simulated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from estate.store.database import Database
from estate.store.facts import read_facts, write_facts

KINDS = ("leads", "interactions", "messages", "properties", "listings", "market_index", "outcomes")
_LATE = datetime(2200, 1, 1, tzinfo=UTC)


def copy_facts(source: Database, target: Database, *, say: Callable[[str], None]) -> None:
    """Copy every fact with both of its clocks; the source is only read."""
    for kind in KINDS:
        rows = read_facts(source, kind, as_of=_LATE, versions=True).drop(columns="superseded_at")
        with target.begin() as connection:
            write_facts(connection, kind, rows)
        say(f"{kind}: {len(rows):,} copied")
