"""Requests a second of ours, over HTTP, and what many rows in one request are worth."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.ideas.timing import row
from benchmarks.serve.home import Home
from benchmarks.serve.load import press
from benchmarks.serve.material import MODEL, Material
from benchmarks.serve.measuring import RACE_CONNECTIONS, write_bodies
from benchmarks.serve.running import started
from benchmarks.serve.servers import ours

CLAIMED_REQUESTS_S = 3397
_ROWS = 50


def request_rows(
    material: Material, home: Home, workers: int, seconds: float
) -> tuple[list[dict[str, object]], float]:
    """Measure ours, validation and prediction log on; returns the rows and the requests a second."""
    server = ours(home.variables)
    with started(server, "", material, workers) as running:
        single, many = write_bodies(server, material), _many(material)
        running.settle()
        press(running, single, RACE_CONNECTIONS, 2.0)
        ones = press(running, single, RACE_CONNECTIONS, seconds)
        press(running, many, RACE_CONNECTIONS, 1.0)
        fifties = press(running, many, RACE_CONNECTIONS, seconds)
    rows_s = fifties.requests_s * _ROWS
    return [
        row(
            "requests a second",
            f"{CLAIMED_REQUESTS_S:,}",
            ones.requests_s,
            measured_as=f"ours, {RACE_CONNECTIONS} connections, {workers} cores, every answer kept; "
            f"p99 {ones.p99_ms:.1f} ms, {ones.errors} errors",
            in_a_request=f"{1000 * ones.server_ms:.0f} µs of processor time",
        ),
        row(
            "vectorising: whole requests",
            "9.1x",
            rows_s / ones.requests_s if ones.requests_s else 0.0,
            measured_as=f"rows a second of `{MODEL}`, {_ROWS} rows a request over one row a request: "
            f"{rows_s:.0f} over {ones.requests_s:.0f}; {fifties.errors} errors",
            in_a_request=f"{1000 * fifties.server_ms / _ROWS:.0f} µs a row",
        ),
    ], ones.requests_s


def _many(material: Material) -> Path:
    path = material.folder / "many.bodies"
    parts = [material.rows[at : at + _ROWS] for at in range(0, len(material.rows), _ROWS)]
    path.write_text("".join(json.dumps({"rows": part}) + "\n" for part in parts))
    return path
