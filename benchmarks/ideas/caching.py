"""A cache in front of the model: what a hit takes, and what it is worth in a whole request."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import numpy as np

from benchmarks.ideas.timing import in_turn, row, told
from benchmarks.ideas.vectorizing import open_session, rows_of, score
from benchmarks.serve.load import press
from benchmarks.serve.material import Material
from benchmarks.serve.measuring import RACE_CONNECTIONS
from benchmarks.serve.running import started
from benchmarks.serve.servers import Server, cached_service

CLAIM = "34,639x"
HIT_RATES = (0.0, 0.5, 0.9, 0.99)
_HOT, _ROOM = 100, 150
"""Rows that are asked again and again; rows that the cache has room for: rare ones push out rare ones."""
_REQUESTS = 20_000
_CALLS = 1000


def hit_rows(material: Material, seconds: float) -> list[dict[str, object]]:
    """Measure a dictionary that has the answer against one call of the model, both from the row's numbers."""
    session = open_session(material)
    rows = rows_of(material).tolist()
    known = dict.fromkeys(map(tuple, rows), 0.5)
    by_id = {f"lead-{number}": 0.5 for number in range(len(rows))}
    took = in_turn(
        {
            "bare hit": lambda: [by_id["lead-17"] for _ in range(_CALLS)],
            "hit": lambda: [known[tuple(values)] for values in rows],
            "model": lambda: [score(session, np.array([values], dtype=np.float32)) for values in rows],
        },
        seconds,
    )
    hit, model = took["hit"] / len(rows), took["model"] / len(rows)
    bare = took["bare hit"] / _CALLS
    return [
        row(
            "cache: a hit over a model call",
            CLAIM,
            model / bare,
            measured_as=f"one call of one row, {told(model)}, over a dictionary by lead id, {told(bare)}",
            in_a_request="see the rows over HTTP",
        ),
        row(
            "cache: a hit with its key",
            CLAIM,
            model / hit,
            measured_as=f"the same, over a hit whose key is made of the row's 28 numbers, {told(hit)}",
            in_a_request=f"saves {told(model - hit)} of a request at most",
        ),
    ]


def rate_rows(material: Material, seconds: float) -> list[dict[str, object]]:
    """Measure a FastAPI + ONNX service with and without a cache, over HTTP, at known hit rates."""
    made = []
    for rate in HIT_RATES:
        bodies = _write_bodies(material, rate)
        without, _ = _pressed(cached_service(0), material, bodies, seconds)
        with_cache, seen = _pressed(cached_service(_ROOM), material, bodies, seconds)
        made.append(
            row(
                f"cache: whole requests, {100 * rate:g} % hits",
                CLAIM,
                with_cache / without,
                measured_as=f"requests/s of FastAPI + ONNX, {RACE_CONNECTIONS} connections: "
                f"{with_cache:.0f} over {without:.0f}; hits seen {100 * seen:.1f} %",
                in_a_request="this is the whole request",
            )
        )
    return made


def _pressed(server: Server, material: Material, bodies: Path, seconds: float) -> tuple[float, float]:
    """Return requests a second, and the share of hits that the service counted."""
    with started(server, "", material, 1) as running:
        press(running, bodies, RACE_CONNECTIONS, 1.0)
        load = press(running, bodies, RACE_CONNECTIONS, seconds)
        found = httpx.get(f"http://127.0.0.1:{running.port}/hits", trust_env=False, timeout=30).json()
    return load.requests_s, found["hits"] / max(1, found["hits"] + found["misses"])


def _write_bodies(material: Material, rate: float) -> Path:
    """Write requests of which a share asks for one of a few rows; each other row is there once."""
    random = np.random.default_rng(int(1000 * rate))
    rare = random.normal(0.0, 10.0, (_REQUESTS, len(material.rows[0]))).round(3)
    names = list(material.rows[0])
    path = material.folder / "rates.bodies"
    with path.open("w") as file:
        for values, hot, which in zip(
            rare, random.random(_REQUESTS) < rate, random.integers(0, _HOT, _REQUESTS), strict=True
        ):
            asked = material.rows[which] if hot else dict(zip(names, values.tolist(), strict=True))
            file.write(json.dumps(asked) + "\n")
    return path
