"""Leads asked over 64 connections that never pause, with and without reasons, beside the empty servers."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.leads_load.desk import Desk, desk
from benchmarks.serve.load import Load, generator, press
from benchmarks.serve.run import made_folder
from benchmarks.serve.running import RIGHT, Running, started
from benchmarks.serve.servers import ECHO, Server, floors, ours
from estate.core.errors import StackError
from estate.services.lead_scoring.model import SPEC

CONNECTIONS = 64
AGAIN = 500
"""Leads that are asked over and over."""
_WARM_UP_SECONDS = 2.0


@dataclass(frozen=True)
class _Plan:
    days: int
    leads_per_day: float
    seconds: float
    workers: int


@dataclass(frozen=True)
class _Way:
    """One kind of load.

    Parameters
    ----------
    name : str
    explain : bool
    leads : sequence of str
        Asked in this order, in a circle.
    once : bool
        Whether each is asked but once, of a server that keeps no features.
    """

    name: str
    explain: bool
    leads: Sequence[str]
    once: bool


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: a small desk, a second each.

    ``LEADLOOP_BENCH_SECONDS`` (4) and ``LEADLOOP_BENCH_WORKERS`` (as many as cores) change the plan.
    """
    workers = int(os.environ.get("LEADLOOP_BENCH_WORKERS", os.cpu_count() or 1))
    seconds = float(os.environ.get("LEADLOOP_BENCH_SECONDS", "4"))
    plan = _Plan(120, 40.0, 1.0, workers) if quick else _Plan(150, 120.0, seconds, workers)
    with made_folder() as folder, desk(folder, days=plan.days, leads_per_day=plan.leads_per_day) as made:
        rows = [row for server in floors() for row in _floor(server, made, plan)]
        rows += _ours(made, plan)
    _add_ratios(rows)
    told = f"{len(made.leads):,} leads; {generator()}, one thread on the same cores; {plan.workers} workers"
    return {"rows": [*rows, {"measured": told}], "goals": [] if quick else _goals(rows)}


def ways(leads: Sequence[str]) -> list[_Way]:
    """Return the loads: leads that were not asked before, and the same ones over and over.

    Those of the first are read and explained anew for every request: nothing of them is in a cache.
    """
    again, new = leads[AGAIN : 2 * AGAIN], leads[2 * AGAIN :]
    return [
        _Way("reasons, other leads each time", True, new, once=True),
        _Way("no reasons, other leads each time", False, new, once=True),
        _Way(f"reasons, {AGAIN} leads again and again", True, again, once=False),
        _Way(f"no reasons, {AGAIN} leads again and again", False, again, once=False),
    ]


def _floor(server: Server, made: Desk, plan: _Plan) -> list[dict[str, object]]:
    with started(server, "", made.material, plan.workers) as running:
        bodies = _bodies(made, made.leads[:AGAIN], explain=True)
        press(running, bodies, CONNECTIONS, _WARM_UP_SECONDS / 2)
        return [_row(server.name, press(running, bodies, CONNECTIONS, plan.seconds), 0.0)]


def _ours(made: Desk, plan: _Plan) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for once in (True, False):
        with started(_server(made, keeps=not once), "", made.material, plan.workers) as running:
            running.settle()
            _check(running, made)
            for explain in (False, True):
                warming = _bodies(made, made.leads[:AGAIN], explain=explain)
                press(running, warming, CONNECTIONS, _WARM_UP_SECONDS)
            chosen = [way for way in ways(made.leads) if way.once is once]
            rows += [_measured(running, made, way, plan.seconds) for way in chosen]
    return rows


def _measured(running: Running, made: Desk, way: _Way, seconds: float) -> dict[str, object]:
    bodies, before = _bodies(made, way.leads, explain=way.explain), made.database_seconds()
    load = press(running, bodies, CONNECTIONS, seconds)
    if way.once and way.explain and load.answered > len(way.leads):
        raise StackError(way.name, expected=f"at most {len(way.leads):,} answers", got=f"{load.answered:,}")
    return _row(way.name, load, made.database_seconds() - before)


def _row(name: str, load: Load, database_seconds: float) -> dict[str, object]:
    of_database = 1000 * database_seconds / max(1, load.answered)
    return {
        "measured": name,
        "answers_s": load.requests_s,
        "p50_ms": load.p50_ms,
        "p99_ms": load.p99_ms,
        "errors": load.errors,
        "serving_cpu_ms": load.server_ms,
        "database_cpu_ms": of_database,
        "cpu_ms": load.server_ms + of_database,
    }


def _add_ratios(rows: list[dict[str, Any]]) -> None:
    (floor,) = [row for row in rows if row["measured"] == ECHO]
    for row in rows:
        row["cpu_over_echo"] = row["cpu_ms"] / floor["cpu_ms"]
        row["answers_over_echo"] = row["answers_s"] / floor["answers_s"]


def _server(made: Desk, *, keeps: bool) -> Server:
    """Return ours as it is asked about leads; if it does not keep features, it reads them each time."""
    memory = {} if keeps else {"LEADLOOP_CACHE_MEMORY_SECONDS": "0"}
    return replace(
        ours({**made.home.variables, **memory}),
        path=f"/v1/models/{SPEC.name}/predict",
        body=lambda row: {"lead_ids": [made.leads[int(row["lead"])]], "explain": True},
    )


def _check(running: Running, made: Desk) -> None:
    """Ask the first leads: the right scores, each with its interval and reasons."""
    most = running.difference(made.material, len(made.material.scores))
    (answer,) = running.ask(made.material.rows[0])["predictions"]
    if most > RIGHT or not answer.get("reasons") or not answer.get("interval"):
        expected = "the right score, an interval, reasons"
        raise StackError("answer about a lead", expected=expected, got=str(answer)[:200])


def _bodies(made: Desk, leads: Sequence[str], *, explain: bool) -> Path:
    path = made.material.folder / "leads.bodies"
    more = {"explain": True} if explain else {}
    path.write_text("".join(json.dumps({"lead_ids": [lead], **more}) + "\n" for lead in leads))
    return path


def _goals(rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    ours_rows = [row for row in rows if "leads" in row["measured"]]
    errors = sum(row["errors"] for row in ours_rows)
    first = ours_rows[0]
    return [
        _goal("errors at most 0", errors, 0),
        _goal("ms p50 with reasons, other leads each time, at most 45", first["p50_ms"], 45.0),
    ]


def _goal(text: str, value: float, bound: float) -> dict[str, object]:
    return {"goal": text, "value": value, "bound": bound, "met": value <= bound}
