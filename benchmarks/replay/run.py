"""The replay from end to end: first version, three strategies in turn, floors, goals, picture."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.replay.calls import Calls, Step, calls_file, read_calls
from benchmarks.replay.floors import hindsight_rate, latest_rate
from benchmarks.replay.goals import DRIFT, LATEST_RATE, MONTHLY, NEVER, goals_of
from benchmarks.replay.plot import draw
from benchmarks.replay.scores import measure
from benchmarks.replay.strategies import Act, Replayed, monthly, never, on_drift, replay, train_first
from estate.core.frame import Numbers
from estate.core.settings import load_settings
from rehearsal.grounds import Grounds, grounds

QUICK_STEPS = 2
STRATEGIES: Mapping[str, Act] = {NEVER: never, MONTHLY: monthly, DRIFT: on_drift}


def run(quick: bool) -> dict[str, object]:
    """Replay the calls; quick: the first weeks only, which say nothing of drift.

    Raises
    ------
    ContractError
        If the bank-marketing file is absent.
    """
    file, home = calls_file(), load_settings().home.resolve()
    with grounds({"LEADLOOP_CALLS_FILE": str(file), "LEADLOOP_MODELS": ""}) as ground:
        calls = read_calls()
        steps = list(calls.steps())[: QUICK_STEPS if quick else None]
        replayed = _replay_all(ground, calls, steps)
    y, months = _replayed_part(calls, steps)
    floors = {LATEST_RATE: latest_rate(calls, steps), "constant: best in hindsight": hindsight_rate(y)}
    rows = [{"retrained": one.name, **measure(y, one.p, months), **_counts(one)} for one in replayed]
    rows += [{"retrained": name, **measure(y, p, months)} for name, p in floors.items()]
    path = home / "benchmarks" / ("replay-quick.png" if quick else "replay.png")
    plot = draw(y, [str(month) for month in months], replayed, floors, path)
    return {"rows": rows, "goals": [] if quick else goals_of(rows), "plot": str(plot)}


def _replay_all(ground: Grounds, calls: Calls, steps: Sequence[Step]) -> list[Replayed]:
    with ground.platform("first"):
        _say(f"first version, from {calls.first:,} calls until {calls.begin:%Y-%m-%d}")
        train_first(calls)
    made = []
    for place, (name, act) in enumerate(STRATEGIES.items()):
        with ground.platform(f"strategy_{place}", copy_of="first"):
            made.append(replay(name, act, calls, steps, _say))
    return made


def _replayed_part(calls: Calls, steps: Sequence[Step]) -> tuple[Numbers, NDArray[np.datetime64]]:
    rows = slice(steps[0].start, steps[-1].stop)
    return calls.data.y[rows], calls.data.times[rows].astype("datetime64[us]").astype("datetime64[M]")


def _counts(one: Replayed) -> dict[str, object]:
    return {
        "trainings": len(one.trainings),
        "passed_gate": sum(training.passed for training in one.trainings),
        "watch_passes": one.decisions.total(),
        "drift": one.decisions["drift"],
        "seconds": round(one.seconds),
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
