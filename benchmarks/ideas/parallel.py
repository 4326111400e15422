"""Features of many leads: in threads, by ``asyncio.gather``, in processes, and as one vectorised call."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

from benchmarks.ideas.timing import in_turn, row, told
from estate.core.frame import Frame
from estate.datasets.world import World, simulate
from estate.features.histories import Histories, build_histories, micros
from estate.services.lead_scoring.model import SPEC

_CLAIM = "54x"
_AGE_US = 7 * 86_400 * 1_000_000
_THREADS = 8


def parallel_rows(leads: int, seconds: float) -> list[dict[str, object]]:
    """Measure; each way computes every feature of the lead model for each of so many leads."""
    each, together = _histories(leads)
    with (
        ThreadPoolExecutor(_THREADS) as threads,
        ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool,
    ):
        ways: dict[str, Callable[[], object]] = {
            "alone": lambda: [compute(one) for one in each],
            "threads": lambda: list(threads.map(compute, each)),
            "gather": lambda: asyncio.run(_gathered(each)),
            "processes": lambda: list(pool.map(compute, each, chunksize=max(1, leads // 16))),
            "vectorised": lambda: compute(together),
        }
        took = in_turn(ways, seconds)
    one = told(took["alone"] / leads)
    said = {
        "threads": f"{_THREADS} threads, one lead a call",
        "gather": "asyncio.gather over coroutines that compute",
        "processes": f"{os.cpu_count()} processes, leads pickled there, features back",
        "vectorised": "one call of the same functions for all leads, one core",
    }
    return [
        row(
            f"parallel feature extraction: {way}"
            if way != "vectorised"
            else "instead: vectorised extraction",
            _CLAIM,
            took["alone"] / took[way],
            measured_as=f"{leads} leads one by one, over {words}",
            in_a_request=f"one lead: nothing to part, {one} either way"
            if way != "vectorised"
            else f"{leads} leads of a request in {told(took[way])}",
        )
        for way, words in said.items()
    ]


def compute(histories: Histories) -> Frame:
    """Return the features of leads."""
    return SPEC.features.compute(histories)


async def _gathered(each: Sequence[Histories]) -> list[Frame]:
    async def one(histories: Histories) -> Frame:
        return compute(histories)

    return list(await asyncio.gather(*(one(histories) for histories in each)))


def _histories(leads: int) -> tuple[list[Histories], Histories]:
    """Simulate leads; return each alone and all as one, as of the age of seven days."""
    facts = dict(simulate(World(seed=7, leads_per_day=max(10, leads // 20), days=60)).facts)
    for kind in ("interactions", "messages"):
        facts[kind] = facts[kind].sort_values(["lead_id", "event_at"], kind="stable")
    chosen = facts["leads"].iloc[:leads]
    ids = chosen["lead_id"].to_numpy(dtype=object)
    moments = micros(chosen["event_at"]) + _AGE_US
    parts = {kind: dict(list(facts[kind].groupby("lead_id"))) for kind in ("interactions", "messages")}
    each = []
    for number, lead in enumerate(ids):
        own = {kind: parts[kind].get(lead, facts[kind].iloc[:0]) for kind in parts}
        each.append(build_histories(ids[[number]], moments[[number]], {**facts, **own}))
    known = set(ids)
    of_them = {kind: facts[kind][facts[kind]["lead_id"].isin(known)] for kind in parts}
    return each, build_histories(ids, np.asarray(moments), {**facts, **of_them})
