"""All servers in turn, round after round, so that a noisy minute meets everybody."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.serve.bare_model import bare_rows
from benchmarks.serve.goals import goals_of
from benchmarks.serve.home import Home, home
from benchmarks.serve.isolation import only_loopback
from benchmarks.serve.load import generator
from benchmarks.serve.material import Material, make_material
from benchmarks.serve.measuring import Plan, Seen, check, fastest, press_all, write_bodies
from benchmarks.serve.prediction_count import PredictionCount
from benchmarks.serve.running import RIGHT, started
from benchmarks.serve.servers import MLFLOW, PEERS, Server, floors, ours, peers, takes_workers
from estate.core.errors import LeadloopError, StackError

CONNECTIONS = (1, 16, 64, 256, 1000)


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: ours and the floors at 64 connections alone.

    ``LEADLOOP_BENCH_SECONDS`` (4), ``LEADLOOP_BENCH_ROUNDS`` (2) and ``LEADLOOP_BENCH_WORKERS`` (as many as
    cores) change the plan; ``LEADLOOP_BENCH_PEERS`` names the peers to measure, by parts of their names.
    """
    plan, seen = _plan(quick), [Seen(server) for server in _others(quick)]
    for each in seen:
        _install(each)
    with made_folder() as folder, only_loopback() as alone:
        material = make_material(folder)
        for each in seen:
            _prepare(each, material, plan, alone=alone)
        with home(material, folder.with_name(f"{folder.name}-home")) as made:
            return _measured(material, made, plan, seen)


def _measured(material: Material, made: Home, plan: Plan, seen: Sequence[Seen]) -> dict[str, object]:
    log = PredictionCount(made)
    mine = Seen(ours(made.variables), f"{plan.workers} workers" if takes_workers() else "one process")
    log.answered += _start_once(mine.server, "", material, plan)
    for each in seen:
        if each.choice is not None:
            _start_once(each.server, each.choice, material, plan)
    for number in range(plan.rounds):
        _say(f"round {number + 1} of {plan.rounds}")
        _measure_ours(mine, log, material, plan)
        for each in seen:
            if each.choice is not None:
                _measure(each, material, plan)
    every = [row for each in (mine, *seen) for row in each.rows()]
    rows = [*every, log.row(), *bare_rows(material), _told(plan)]
    return {"rows": rows, "goals": goals_of(mine, seen, log, most=max(plan.connections))}


def _install(each: Seen) -> None:
    """Make the environment of a server, while there is a network."""
    try:
        _ = each.server.python
    except LeadloopError as error:
        _give_up(each, str(error))


def _prepare(each: Seen, material: Material, plan: Plan, *, alone: bool) -> None:
    """Bring a server's model into its own form and choose its configuration."""
    if each.choice is None:
        return
    if each.server.everywhere and not alone:
        _give_up(
            each, "left out: it listens on every interface, and only root can make it a network of its own"
        )
        return
    _say(f"preparing {each.server.name}")
    try:
        if each.server.name == MLFLOW:
            _log_mlflow_model(material)
        each.choice = fastest(each.server, material, plan)
    except LeadloopError as error:
        _give_up(each, str(error))


def _start_once(server: Server, choice: str, material: Material, plan: Plan) -> int:
    """Let a server's modules be compiled, as installers do: no cold start has that; return its answers."""
    with suppress(LeadloopError), started(server, choice, material, plan.workers) as running:
        _say(f"{server.name}: started once")
        return running.answered
    return 0


def _give_up(each: Seen, why: str) -> None:
    each.choice, each.problem = None, why
    _say(f"{each.server.name}: {why}")


def _measure(each: Seen, material: Material, plan: Plan) -> None:
    _say(each.server.name)
    try:
        with started(each.server, each.choice or "", material, plan.workers) as running:
            each.cold_starts_s.append(running.cold_start_s)
            check(running, each, material, RIGHT)
            press_all(running, each, write_bodies(each.server, material), plan)
    except LeadloopError as error:
        each.problem = str(error)
        _say(each.problem)


def _measure_ours(mine: Seen, log: PredictionCount, material: Material, plan: Plan) -> None:
    _say(mine.server.name)
    bodies = write_bodies(mine.server, material)
    with started(mine.server, "", material, plan.workers) as running:
        mine.cold_starts_s.append(running.cold_start_s)
        check(running, mine, material, RIGHT)
        loads = press_all(running, mine, bodies, plan)
        ids = log.press_and_name(running, bodies, 64, plan.warm_up_seconds)
        log.settle(running, loads, ids)


def _log_mlflow_model(material: Material) -> None:
    environment = {**os.environ, "BENCH_FOLDER": str(material.folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    ran = subprocess.run(
        [sys.executable, "mlflow_model.py"],
        cwd=PEERS,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise StackError("model for MLflow", expected="to be saved", got=ran.stderr.strip()[-200:])


def _others(quick: bool) -> list[Server]:
    if quick:
        return floors()
    named = os.environ.get("LEADLOOP_BENCH_PEERS")
    parts = named.lower().split(",") if named else [""]
    return [*floors(), *(peer for peer in peers() if any(part in peer.name.lower() for part in parts))]


def _plan(quick: bool) -> Plan:
    workers = int(os.environ.get("LEADLOOP_BENCH_WORKERS", os.cpu_count() or 1))
    if quick:
        return Plan((64,), 2.0, 1.0, 1, workers)
    seconds = float(os.environ.get("LEADLOOP_BENCH_SECONDS", "4"))
    return Plan(CONNECTIONS, seconds, 2.0, int(os.environ.get("LEADLOOP_BENCH_ROUNDS", "2")), workers)


def _told(plan: Plan) -> dict[str, object]:
    words = (
        f"{generator()}, one thread on the same cores; {plan.rounds} rounds of {plan.seconds:g} s, the median"
    )
    return {"server": "load generator", "configuration": words}


@contextmanager
def made_folder() -> Iterator[Path]:
    """Make a folder that is removed at the end, also where the end is a SIGTERM."""
    folder = Path(tempfile.mkdtemp(prefix="leadloop-bench-"))
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield folder
    finally:
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name(f"{folder.name}-home"), ignore_errors=True)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
