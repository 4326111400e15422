"""How often each tier has a lead, at which rate of requests, and what that saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.caches.tiers import PROCESSES, Clock, Table, Tiers
from serving.caches.terms import Terms

RATES = (1.0, 10.0, 100.0, 1000.0)
SETUPS = {
    "memory": Terms(redis_seconds=0.0),
    "redis": Terms(memory_seconds=0.0),
    "memory and redis": Terms(),
}

Make = Callable[[Terms, Clock, Table], Tiers]


def hit_rows(
    make: Make, table: Table, leads: Sequence[str], costs: dict[str, float], *, requests: int
) -> list[dict[str, object]]:
    """Ask for leads by Zipf's law (the k-th as often as 1 / k), at random moments and processes.

    Parameters
    ----------
    costs : mapping
        Milliseconds of a lead "from miss", "from memory", "from redis".
    """
    rows = []
    for rate in RATES:
        for setup, terms in SETUPS.items():
            if "redis" in setup and "from redis" not in costs:
                continue
            clock = replace(table.clock)
            tiers = make(terms, clock, replace(table, clock=clock))
            found = _play(tiers, leads, rate, requests)
            tiers.close()
            rows.append(_row(setup, rate, found, costs))
    return rows


def _play(tiers: Tiers, leads: Sequence[str], rate: float, requests: int) -> Counter[str]:
    rng = np.random.default_rng(7)
    weights = 1.0 / np.arange(1, len(leads) + 1)
    which = rng.choice(len(leads), requests, p=weights / weights.sum())
    pauses = rng.exponential(1.0 / rate, requests)
    processes = rng.integers(0, PROCESSES, requests)
    found: Counter[str] = Counter()
    for lead, pause, process in zip(which.tolist(), pauses.tolist(), processes.tolist(), strict=True):
        tiers.clock.seconds += pause
        found[tiers.read(process, leads[lead])] += 1
    return found


def _row(setup: str, rate: float, found: Counter[str], costs: dict[str, float]) -> dict[str, object]:
    requests = sum(found.values())
    without = costs["from miss"]
    spent = sum(found[tier] * costs[f"from {tier}"] for tier in ("memory", "redis") if found[tier])
    missed = found["miss"] * (without + _looking(setup, costs))
    return {
        "measured": setup,
        "requests_per_s": rate,
        "requests": requests,
        "hit_rate_memory": found["memory"] / requests,
        "hit_rate_redis": found["redis"] / requests,
        "ms_a_lead": (spent + missed) / requests,
        "share_of_time_saved": 1.0 - (spent + missed) / (requests * without),
    }


def _looking(setup: str, costs: dict[str, float]) -> float:
    """Return the most that a look-up in vain, and keeping what was computed, may take."""
    return sum(2 * costs[f"from {tier}"] for tier in ("memory", "redis") if tier in setup)
