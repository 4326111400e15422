"""Every idea in one run, on the model of the benchmark of serving."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from benchmarks.ideas.caching import hit_rows, rate_rows
from benchmarks.ideas.floats import float_rows
from benchmarks.ideas.parallel import parallel_rows
from benchmarks.ideas.vectorizing import gather_rows, vectorizing_rows
from benchmarks.ideas.whole_requests import CLAIMED_REQUESTS_S, request_rows
from benchmarks.serve.goals import at_least
from benchmarks.serve.home import home
from benchmarks.serve.material import make_material
from benchmarks.serve.run import made_folder


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: short, and without the hit rates over HTTP."""
    seconds, workers = (0.3, 1.0)[not quick], os.cpu_count() or 1
    pressed = 2.0 if quick else 5.0
    with made_folder() as folder:
        material = make_material(folder)
        rows: list[dict[str, object]] = []
        steps: tuple[tuple[str, Callable[[], list[dict[str, object]]]], ...] = (
            ("features", lambda: parallel_rows(50 if quick else 500, seconds)),
            ("vectorising", lambda: vectorizing_rows(material, seconds)),
            ("gather", lambda: gather_rows(material, seconds)),
            ("float32", lambda: float_rows(folder, 20_000 if quick else 500_000, seconds)),
            ("cache", lambda: hit_rows(material, seconds)),
            ("cache over HTTP", lambda: [] if quick else rate_rows(material, pressed)),
        )
        for what, made in steps:
            print(what, file=sys.stderr, flush=True)
            rows += made()
        with home(material, folder.with_name(f"{folder.name}-home")) as where:
            requests, speed = request_rows(material, where, workers, pressed)
    goal = f"requests/s at 64 connections at least {CLAIMED_REQUESTS_S}"
    return {"rows": [*rows, *requests], "goals": [at_least(goal, speed, CLAIMED_REQUESTS_S)]}
