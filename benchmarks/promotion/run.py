"""Promotions in every way that a person has, each timed until the new version answers.

A promotion begins when the request of the click is sent, or when the command is started as a process, and it
ends with the first answer of the new version to a client that asks all the time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.promotion.desk import MODEL, ROW, Desk, desk
from benchmarks.promotion.load import Load
from estate.core.errors import StackError

SECONDS = 2.0
_SETTLE_SECONDS = 30.0
_FLIPS, _FLIP_CLIENTS = 20, 8


def run(quick: bool) -> dict[str, object]:
    """Measure every way; quick: a few promotions each."""
    with desk() as at, Load(at.predict_url, ROW) as load:
        load.seconds_until("1", 0.0)
        rows = [
            _row("alias in the UI", 5 if quick else 50, at, load, at.move_alias),
            _row("old stage menu", 2 if quick else 20, at, load, at.move_stage),
            _row("leadloop promote", 1 if quick else 10, at, load, _promote(at)),
            _rollbacks(1 if quick else 10, at, load),
        ]
        rows.append(_flips(5 if quick else _FLIPS, at))
        rows[0]["failed_requests"] = sum(load.failures.values())
    return {"rows": rows, "goals": _goals(rows)}


def _row(way: str, times: int, at: Desk, load: Load, move: Callable[[str], None]) -> dict[str, object]:
    seconds, acts = [], []
    for i in range(times):
        _say(way, i, times)
        version = _other(_settled(at))
        began = time.monotonic()
        move(version)
        acts.append(time.monotonic() - began)
        seconds.append(load.seconds_until(version, began))
    return _told(way, seconds, acts)


def _rollbacks(times: int, at: Desk, load: Load) -> dict[str, object]:
    seconds, acts = [], []
    for i in range(times):
        _say("leadloop rollback", i, times)
        before = _settled(at)
        at.move_alias(_other(before))
        load.seconds_until(_other(before), 0.0)
        _settled(at)
        began = time.monotonic()
        at.leadloop("rollback", MODEL, "--reason", "the benchmark")
        acts.append(time.monotonic() - began)
        seconds.append(load.seconds_until(before, began))
    return _told("leadloop rollback", seconds, acts)


def _flips(times: int, at: Desk) -> dict[str, object]:
    """Move the alias to and fro, faster than anybody can follow, under load: nobody may be turned away."""
    version = _settled(at)
    with Load(at.predict_url, ROW, clients=_FLIP_CLIENTS, pause_seconds=0.0) as load:
        for i in range(times):
            _say("flips under load", i, times)
            version = _other(version)
            at.move_alias(version)
            time.sleep(0.3)
        load.seconds_until(version, 0.0)
    if _settled(at) != version:
        raise StackError("production after the flips", expected=f"version {version}", got=_settled(at))
    return {
        "way": "flips under load",
        "promotions": times,
        "requests": sum(load.answers.values()) + sum(load.failures.values()),
        "failed_requests": sum(load.failures.values()),
    }


def _promote(at: Desk) -> Callable[[str], None]:
    def promote(version: str) -> None:
        at.leadloop("promote", MODEL, version, "--reason", "the benchmark")

    return promote


def _settled(at: Desk) -> str:
    """Wait until alias and stage show one version; returns it."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        alias, staged = at.shown()
        if [alias] == staged:
            return alias
        time.sleep(0.05)
    raise StackError("alias and stage", expected="one version", got=f"alias {alias}, stage {staged}")


def _other(version: str) -> str:
    return "2" if version == "1" else "1"


def _told(way: str, seconds: list[float], acts: list[float]) -> dict[str, object]:
    return {
        "way": way,
        "promotions": len(seconds),
        "live_p50_s": round(float(np.quantile(seconds, 0.5)), 3),
        "live_p95_s": round(float(np.quantile(seconds, 0.95)), 3),
        "live_most_s": round(max(seconds), 3),
        "act_p50_s": round(float(np.quantile(acts, 0.5)), 3),
    }


def _goals(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    by_way = {str(row["way"]): row for row in rows}
    timed = {
        "p95 from the click on the alias to the first answer at most 2 s": "alias in the UI",
        "p95 from the old stage menu to the first answer at most 2 s": "old stage menu",
        "p95 from the start of `leadloop rollback` to the first answer at most 2 s": "leadloop rollback",
    }
    goals: list[dict[str, object]] = []
    for goal, way in timed.items():
        value = float(str(by_way[way]["live_p95_s"]))
        goals.append({"goal": goal, "value": value, "bound": SECONDS, "met": value <= SECONDS})
    failed = sum(int(str(row.get("failed_requests", 0))) for row in rows)
    goals.append({"goal": "failed requests at most 0", "value": failed, "bound": 0, "met": failed == 0})
    return goals


def _say(way: str, i: int, times: int) -> None:
    print(f"\r{way}: {i + 1} of {times}   ", end="\n" if i + 1 == times else "", file=sys.stderr, flush=True)
