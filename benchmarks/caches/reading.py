"""What it takes to read leads: the long way, in one round trip, from memory, from Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from benchmarks.caches.tiers import Tiers
from estate.core.model_spec import ModelSpec
from estate.features.lead_reader import LeadReader
from estate.features.live import LeadFeatures, features_of_leads
from estate.store.database import Database

_TIMES = {1: 200, 10: 100, 100: 40, 1000: 12}

Read = Callable[[Sequence[str]], LeadFeatures]


def reading_rows(
    database: Database, spec: ModelSpec, leads: Sequence[str], *, as_of: datetime, quick: bool
) -> list[dict[str, object]]:
    """Time both ways in turn, on the same leads; milliseconds."""
    reader = LeadReader(lambda: database)
    ways: dict[str, Read] = {
        "long way": lambda some: features_of_leads(database, spec, some, as_of=as_of),
        "one round trip": lambda some: reader.read(spec, some, as_of=as_of),
    }
    rows: list[dict[str, object]] = []
    for count, times in _TIMES.items():
        taken = _in_turn(ways, leads, count, max(2, times // 20) if quick else times)
        rows += [_row(way, count, milliseconds) for way, milliseconds in taken.items()]
    reader.close()
    return rows


def tier_rows(tiers: Tiers, leads: Sequence[str], *, quick: bool) -> list[dict[str, object]]:
    """Time one lead from each tier; milliseconds."""
    taken: dict[str, list[float]] = {}
    for lead in [*leads[:20], *leads[: 50 if quick else 500]]:  # the first ones warm up
        for tier, seconds in tiers.time_each(lead).items():
            taken.setdefault(tier, []).append(1e3 * seconds)
    return [_row(tier, 1, milliseconds[20:]) for tier, milliseconds in taken.items()]


def _in_turn(ways: dict[str, Read], leads: Sequence[str], count: int, times: int) -> dict[str, list[float]]:
    rng = np.random.default_rng(count)
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(times + 1):
        some = [leads[i] for i in rng.choice(len(leads), count, replace=False)]
        for way, read in ways.items():
            began = time.perf_counter()
            read(some)
            taken[way].append(1e3 * (time.perf_counter() - began))
    return {way: milliseconds[1:] for way, milliseconds in taken.items()}


def _row(way: str, count: int, milliseconds: Sequence[float]) -> dict[str, object]:
    p50, p99 = np.percentile(milliseconds, (50, 99))
    return {"measured": way, "leads": count, "p50_ms": float(p50), "p99_ms": float(p99)}
