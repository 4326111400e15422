"""Reading leads with and without caches, and which cache earns its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.caches.ground import desk, redis_url
from benchmarks.caches.hits import hit_rows
from benchmarks.caches.reading import reading_rows, tier_rows
from benchmarks.caches.scores import score_rows
from benchmarks.caches.tiers import Clock, Table, Tiers
from estate.core.model_spec import ModelSpec
from estate.core.settings import Settings
from estate.datasets.world import World
from estate.features.lead_reader import LeadReader
from estate.features.live import LeadFeatures
from estate.services.lead_scoring.model import SPEC
from estate.store.database import Database
from estate.store.open_leads import open_lead_ids
from serving.caches.terms import Terms

_AT_RATE = 10.0


@dataclass(frozen=True)
class _Store:
    """A store with its open leads, as of its end."""

    database: Database
    leads: Sequence[str]
    as_of: datetime


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: a smoke run of under a minute."""
    world = World(seed=3, leads_per_day=40 if quick else 60, days=30 if quick else 120)
    with desk(world) as database, redis_url() as redis:
        store = _store(database, world.at(world.days))
        reading = reading_rows(database, SPEC, store.leads, as_of=store.as_of, quick=quick)
        tiers = _tier_rows(store, redis, quick)
        table = _table(store, 300 if quick else 3000)
        costs = {str(row["measured"]): float(str(row["p50_ms"])) for row in tiers}

        def make(terms: Terms, clock: Clock, table: Table) -> Tiers:
            return Tiers(SPEC, table.compute, clock, terms, redis)

        hits = hit_rows(make, table, list(table.rows), costs, requests=500 if quick else 20_000)
    scores = score_rows(SPEC, list(table.rows.values()))
    rows = [*reading, *tiers, *scores, *hits]
    return {"rows": rows, "goals": [] if quick else _goals(reading, hits, scores)}


def _store(database: Database, as_of: datetime) -> _Store:
    with database.begin() as connection:
        return _Store(database, open_lead_ids(connection, as_of=as_of), as_of)


def _tier_rows(store: _Store, redis: str | None, quick: bool) -> list[dict[str, object]]:
    clock, reader = Clock(store.as_of), LeadReader(lambda: store.database)

    def compute(spec: ModelSpec, lead_ids: Sequence[str]) -> LeadFeatures:
        return reader.read(spec, lead_ids, as_of=clock.now())

    tiers = Tiers(SPEC, compute, clock, Terms(), redis)
    rows = tier_rows(tiers, store.leads, quick=quick)
    tiers.close()
    reader.close()
    return rows


def _table(store: _Store, count: int) -> Table:
    reader = LeadReader(lambda: store.database)
    rows = {lead: reader.read(SPEC, [lead], as_of=store.as_of) for lead in store.leads[:count]}
    reader.close()
    return Table(rows, Clock(store.as_of))


def _goals(
    reading: Sequence[dict[str, object]],
    hits: Sequence[dict[str, object]],
    scores: Sequence[dict[str, object]],
) -> list[dict[str, object]]:
    times = {(row["measured"], row["leads"]): float(str(row["p50_ms"])) for row in reading}
    saved = {(row["measured"], row["requests_per_s"]): float(str(row["share_of_time_saved"])) for row in hits}
    goals = [
        _goal(
            f"time of {count} leads in one round trip, beside the long way, at most 0.5",
            times["one round trip", count] / times["long way", count],
            0.5,
            most=True,
        )
        for count in (1, 10, 100, 1000)
    ]
    for setup in ("memory", "memory and redis"):
        if (setup, _AT_RATE) in saved:
            said = f"share of time that {setup} saves at {_AT_RATE:g} requests/s at least 0.1"
            goals.append(_goal(said, saved[setup, _AT_RATE], 0.1, most=False))
    bound = Settings.model_fields["cache_scores_above_ms"].default / 10
    longest = max(float(str(row["p50_ms"])) for row in scores)
    said = f"milliseconds that remembering a score takes at most {bound:g}: a tenth of what its model takes"
    return [*goals, _goal(said, longest, bound, most=True)]


def _goal(said: str, value: float, bound: float, *, most: bool) -> dict[str, object]:
    return {"goal": said, "value": value, "bound": bound, "met": value <= bound if most else value >= bound}
