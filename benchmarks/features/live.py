"""One live lead: from the database, and from its facts alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import numpy as np

from benchmarks.caches.ground import desk
from benchmarks.features.asked import ASKED
from estate.catalog import OWN
from estate.core.feature_set import FeatureSet
from estate.datasets.world import World
from estate.features.lead_histories import lead_histories
from estate.features.needs import parts_read
from estate.store.facts import read_facts
from estate.store.lead_facts import LeadFacts, read_lead_facts
from estate.store.read_connections import ReadConnections

_WARM = 20


def live_rows(*, quick: bool) -> list[dict[str, object]]:
    """Time leads one by one, with the database and without; milliseconds."""
    world = World(seed=3, leads_per_day=20 if quick else 100, days=60)
    as_of, times = world.at(world.days), 50 if quick else 1000
    sets = {
        "the hundred": ASKED,
        **{spec.name: spec.features for spec in OWN if spec.computes_from_histories},
    }
    rows: list[dict[str, object]] = []
    with desk(world) as database:
        connections = ReadConnections(lambda: database)
        ids = read_facts(database, "leads", as_of=as_of)["lead_id"].tolist()
        picked = np.random.default_rng(0).choice(ids, times + _WARM).tolist()
        for name, features in sets.items():
            parts = parts_read(features)

            def read(lead: str) -> LeadFacts:
                age = timedelta(days=60) // timedelta(microseconds=1)
                return read_lead_facts(connections, [lead], as_of=as_of, age_us=age, parts=parts)  # noqa: B023

            in_memory = {lead: read(lead) for lead in set(picked)}
            rows.append(_row(name, "the database", features, read, picked))
            rows.append(_row(name, "its facts in memory", features, in_memory.__getitem__, picked))
        connections.close()
    return rows


def _row(
    name: str, by: str, features: FeatureSet, find: Callable[[str], LeadFacts], leads: list[str]
) -> dict[str, object]:
    taken = []
    for lead in leads:
        began = time.perf_counter()
        features.compute(lead_histories(find(lead)))
        taken.append(1e3 * (time.perf_counter() - began))
    p50, p99 = np.percentile(taken[_WARM:], (50, 99))
    return {
        "what": f"one live lead, {name}",
        "features": len(features.names),
        "by": by,
        "p50_ms": float(p50),
        "p99_ms": float(p99),
    }
