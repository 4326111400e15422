"""A hundred features as of each lead's own moment, beside DuckDB's SQL and Polars; and one live lead.

All read the same Parquet files and write one; what they write is compared with ours, value for value. A few
of the features are compared with Feast's.
``ratio`` is a peer's time over ours, taken in turn in the same run.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.features import feature_store
from benchmarks.features.compare import PEERS, count_differing, ran, table
from benchmarks.features.data import Size, write
from benchmarks.features.live import live_rows
from benchmarks.serve.environments import python_with

SIZES = (Size(1_000, 100_000), Size(10_000, 1_000_000), Size(100_000, 10_000_000))
TURNS = 3
_SCRIPTS = {"DuckDB SQL": "duckdb_sql.py", "Polars": "polars_frames.py"}


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: the smallest desk, without the peers."""
    rows: list[dict[str, object]] = []
    running: list[dict[str, object]] = []
    commands = {"leadloop": [sys.executable, "-m", "benchmarks.features.ours"]}
    if not quick:
        python = str(python_with("features", PEERS / "requirements.txt"))
        commands |= {name: [python, str(PEERS / script)] for name, script in _SCRIPTS.items()}
    feast, absent = (None, None) if quick else feature_store.python()
    turns = 1 if quick else TURNS
    for size in SIZES[: 1 if quick else None]:
        with TemporaryDirectory(prefix="leadloop-features-") as name:
            write(Path(name), size)
            rows += _rows(Path(name), size, commands, turns=turns)
            if feast:
                running += feature_store.rows(Path(name), size, feast, turns=turns)
    if absent:
        running.append(absent)
    live = live_rows(quick=quick)
    goals = [] if quick else _goals(rows, live)
    return {"benchmark": "features", "rows": [*rows, *running, *live], "goals": goals}


def _rows(folder: Path, size: Size, commands: dict[str, list[str]], *, turns: int) -> list[dict[str, object]]:
    taken: dict[str, list[dict[str, float]]] = {who: [] for who in commands}
    for _ in range(turns):
        for who, command in commands.items():
            taken[who].append(ran(who, [*command, str(folder), str(folder / f"{who}.out")]))
    ours = table(folder / "leadloop.out")
    return [
        {
            "what": "100 features, as of",
            "leads": size.leads,
            "events": size.events,
            "by": who,
            "seconds": statistics.median(one["seconds"] for one in found),
            "ratio": statistics.median(
                one["seconds"] / own["seconds"] for one, own in zip(found, taken["leadloop"], strict=True)
            ),
            "peak_mb": max(one["peak_mb"] for one in found),
            "values_that_differ": count_differing(ours, table(folder / f"{who}.out")),
        }
        for who, found in taken.items()
    ]


def _goals(rows: list[dict[str, object]], live: list[dict[str, object]]) -> list[dict[str, object]]:
    goals: list[dict[str, object]] = []

    def goal(text: str, value: float, bound: float, *, least: bool = False) -> None:
        met = value >= bound if least else value <= bound
        goals.append({"goal": text, "value": value, "bound": bound, "met": met})

    def found(events: int, by: str) -> dict[str, object]:
        return next(row for row in rows if row["events"] == events and row["by"] == by)

    largest = SIZES[-1].events
    for who in _SCRIPTS:
        for size in SIZES:
            ratio = float(str(found(size.events, who)["ratio"]))
            goal(f"{who}, {size.events:,} events: its seconds over ours at least 1", ratio, 1.0, least=True)
        differing = int(str(found(largest, who)["values_that_differ"]))
        goal(f"{who}: values that differ from ours at most 0", differing, 0)
    first, last = (float(str(found(size.events, "leadloop")["seconds"])) for size in SIZES[1:])
    times = SIZES[-1].events / SIZES[1].events
    goal(
        f"from 1 to 10 million events, seconds over {times:g} times the first at most 1.2",
        last / first / times,
        1.2,
    )
    alone = next(row for row in live if row["by"] == "its facts in memory")
    goal("a live lead after its facts are read, p50 in ms at most 1", float(str(alone["p50_ms"])), 1.0)
    return goals
