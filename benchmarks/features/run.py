"""A hundred features as of each lead's own moment, beside DuckDB's SQL and Polars; and one live lead.

All read the same Parquet files and write one; what they write is compared with ours, value for value.
``ratio`` is a peer's time over ours, taken in turn in the same run.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.features.data import Size, write
from benchmarks.features.live import live_rows
from benchmarks.serve.environments import python_with
from estate.core.errors import StackError

if TYPE_CHECKING:
    import pandas as pd

SIZES = (Size(1_000, 100_000), Size(10_000, 1_000_000), Size(100_000, 10_000_000))
TURNS = 3
PEERS = Path(__file__).parent / "peers"
_SCRIPTS = {"DuckDB SQL": "duckdb_sql.py", "Polars": "polars_frames.py"}
_SECONDS = 900


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: the smallest desk, without peers."""
    rows: list[dict[str, object]] = []
    commands = {"leadloop": [sys.executable, "-m", "benchmarks.features.ours"]}
    if not quick:
        python = str(python_with("features", PEERS / "requirements.txt"))
        commands |= {name: [python, str(PEERS / script)] for name, script in _SCRIPTS.items()}
    for size in SIZES[: 1 if quick else None]:
        rows += _rows(size, commands, turns=1 if quick else TURNS)
    live = live_rows(quick=quick)
    return {"benchmark": "features", "rows": [*rows, *live], "goals": [] if quick else _goals(rows, live)}


def _rows(size: Size, commands: dict[str, list[str]], *, turns: int) -> list[dict[str, object]]:
    with TemporaryDirectory(prefix="leadloop-features-") as name:
        folder = Path(name)
        write(folder, size)
        taken: dict[str, list[dict[str, float]]] = {who: [] for who in commands}
        for _ in range(turns):
            for who, command in commands.items():
                taken[who].append(_ran(who, [*command, str(folder), str(folder / f"{who}.out")]))
        ours = _table(folder / "leadloop.out")
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
                "values_that_differ": _differing(ours, _table(folder / f"{who}.out")),
            }
            for who, found in taken.items()
        ]


def _ran(who: str, command: list[str]) -> dict[str, float]:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if ran.returncode:
        raise StackError(who, expected="features", got=(ran.stderr.strip() or "nothing").splitlines()[-1])
    found: dict[str, float] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def _table(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    table: pd.DataFrame = pq.read_table(path).to_pandas().set_index("lead_id").sort_index()
    return table


def _differing(ours: pd.DataFrame, theirs: pd.DataFrame) -> int:
    """Count values that differ by more than one in a thousand million, or are missing on one side alone."""
    if set(ours) != set(theirs) or not ours.index.equals(theirs.index):
        raise StackError("features", expected=f"{len(ours.columns)} columns of the same leads", got="others")
    left, right = ours.to_numpy(np.float64), theirs[list(ours)].to_numpy(np.float64)
    return int((~np.isclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True)).sum())


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
