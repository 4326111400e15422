"""Two recordings of real drift through the rehearsal, their goals and their reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rehearsal.goals import goals_of
from estate.catalog import load_catalog
from estate.core.errors import ContractError
from estate.core.settings import load_settings
from rehearsal import Plan, Rehearsal, recorded, rehearse
from rehearsal.grounds import grounds
from rehearsal.report import write_report

QUICK_STEPS = 3
_HERE, _ROOT = Path(__file__).parent, Path(__file__).parents[2]


@dataclass(frozen=True)
class Ground:
    """One recording: which file, which model, how often the watch looks."""

    name: str
    file: Path
    variable: str
    model: str
    models: str
    step_days: float
    schedule_days: float | None = None
    """A schedule besides the watch, where the world never stands still."""


GROUNDS = (
    Ground(
        "bank marketing",
        Path("bank_marketing", "bank-additional-full.csv.gz"),
        "LEADLOOP_CALLS_FILE",
        "call_conversion",
        "",
        7.0,
    ),
    Ground(
        "electricity",
        Path("stream_elec2", "elec.csv.gz"),
        "LEADLOOP_ELECTRICITY_FILE",
        "price_above_average",
        str(_HERE / "electricity.py"),
        1.0,
        3.0,
    ),
)


def run(quick: bool) -> dict[str, object]:
    """Rehearse both; quick: a few steps of the first one, which say nothing of drift.

    Raises
    ------
    ContractError
        If a file is absent.
    """
    home = load_settings().home.resolve()
    rows: list[dict[str, object]] = []
    goals: list[dict[str, object]] = []
    for ground in GROUNDS[:1] if quick else _chosen():
        made = _rehearse(ground, quick)
        page = write_report(made, home / "benchmarks" / "rehearsal" / ground.model)
        _say(f"{ground.name}: {page}")
        found: list[Mapping[str, object]] = list(made.rows())
        rows += [{"recording": ground.name, **row} for row in found]
        goals += [] if quick else goals_of(ground.name, found)
    return {"rows": rows, "goals": goals}


def _chosen() -> tuple[Ground, ...]:
    """LEADLOOP_BENCH_RECORDINGS narrows it, for trying."""
    wanted = os.environ.get("LEADLOOP_BENCH_RECORDINGS", "")
    return tuple(ground for ground in GROUNDS if not wanted or ground.name in wanted.split(","))


def _rehearse(ground: Ground, quick: bool) -> Rehearsal:
    own = {ground.variable: str(_file(ground.file)), "LEADLOOP_MODELS": ground.models}
    with grounds(own) as place, place.platform("rehearsed"):
        spec = load_catalog(load_settings()).get(ground.model)
        recording = recorded(spec, None, step_days=ground.step_days)
        plan = Plan(most_steps=QUICK_STEPS if quick else None, schedule_days=ground.schedule_days)
        return rehearse(recording, plan, say=_say)


def _file(path: Path) -> Path:
    folder = Path(os.environ.get("LEADLOOP_PUBLIC_DATA", _ROOT.parent / "shared" / "data"))
    file = (folder / path).resolve()
    if not file.is_file():
        raise ContractError(
            f"data file {file}",
            expected="a public recording",
            got="none",
            todo=f"Set LEADLOOP_PUBLIC_DATA to the folder that holds {path.parent}/.",
        )
    return file


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
