"""Batch scoring beside the bare model: rows a second, and memory as the table grows.

Bare and ours are measured in turn, several times; the medians are compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.batch.model import train
from benchmarks.batch.table import write_table
from estate.core.errors import StackError

SHARE, GROWTH = 0.8, 1.1
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Size:
    """How much is measured: rows to train on, of the small and the large table, of the usual way; rounds."""

    training: int
    small: int
    large: int
    usual: int
    rounds: int


FULL = Size(training=100_000, small=1_000_000, large=5_000_000, usual=1_000_000, rounds=5)
QUICK = Size(training=5_000, small=30_000, large=60_000, usual=30_000, rounds=2)


def run(quick: bool) -> dict[str, object]:
    """Measure all; quick: few rows, in under a minute."""
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="leadloop-batch-") as made:
        rows = _measure(Path(made), size)
    return {"rows": rows, "goals": [] if quick else _goals(rows)}


def _measure(folder: Path, size: Size) -> list[dict[str, object]]:
    training = write_table(folder / "training.parquet", size.training, seed=0, label=True)
    small = write_table(folder / "small.parquet", size.small, seed=1, label=False)
    large = write_table(folder / "large.parquet", size.large, seed=2, label=False)
    bundle, workers = train(training, folder / "bundle"), len(os.sched_getaffinity(0))
    target = folder / "scored.parquet"
    ours: list[dict[str, Any]] = []
    bare: list[dict[str, Any]] = []
    with _bare(bundle, large, workers) as measure_bare:
        for i in range(size.rounds):
            _say(f"round {i + 1} of {size.rounds}")
            bare.append(measure_bare())
            ours.append(_child("ours", bundle, large, target, workers))
    of_small = [_child("ours", bundle, small, target, workers) for _ in range(size.rounds)]
    usual = write_table(folder / "usual.parquet", size.usual, seed=3, label=False)
    target.unlink()
    other = _child("usual", training, usual, target)
    return [
        _row(f"bare ONNX Runtime, {bare[0]['way']}", bare, workers),
        _row("leadloop score", ours, workers, beside=bare),
        _row("leadloop score", of_small, workers, beside=bare),
        _row("pandas and scikit-learn", [other], workers, beside=bare),
    ]


def _row(
    way: str, runs: list[dict[str, Any]], workers: int, beside: list[dict[str, Any]] | None = None
) -> dict[str, object]:
    rates = sorted(_rate(found) for found in runs)
    row: dict[str, object] = {
        "way": way,
        "rows": runs[0]["rows"],
        "cores": workers,
        "runs": len(runs),
        "rows_a_second": statistics.median(rates),
        "slowest_to_fastest": (rates[0], rates[-1]),
    }
    if beside is not None:
        row["of_bare"] = statistics.median(rates) / statistics.median(map(_rate, beside))
        row["peak_mb"] = statistics.median(found["peak_mb"] for found in runs)
    return row


def _rate(found: dict[str, Any]) -> float:
    return float(found["rows"] / found["seconds"])


def _goals(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    _, large, small, _ = rows
    share = float(str(large["of_bare"]))
    growth = float(str(large["peak_mb"])) / float(str(small["peak_mb"]))
    return [
        {
            "goal": f"rows/s from Parquet to Parquet at least {SHARE} of bare ONNX Runtime",
            "value": share,
            "bound": SHARE,
            "met": share >= SHARE,
        },
        {
            "goal": f"peak memory at {large['rows']:,} rows at most {GROWTH} of that at {small['rows']:,}",
            "value": growth,
            "bound": GROWTH,
            "met": growth <= GROWTH,
        },
    ]


def _child(name: str, *arguments: object) -> dict[str, Any]:
    ran = subprocess.run(_command(name, arguments), cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        raise StackError(f"benchmarks.batch.{name}", expected="a result", got=f"exit code {ran.returncode}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


@contextmanager
def _bare(bundle: Path, source: Path, workers: int) -> Iterator[Any]:
    """Give what measures the bare model once more; its process keeps the matrix."""
    command = _command("bare", (bundle, source, workers))
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        asked, answers = child.stdin, child.stdout

        def measure() -> dict[str, Any]:
            asked.write("go\n")
            asked.flush()
            line = answers.readline()
            if not line:
                raise StackError("benchmarks.batch.bare", expected="a result", got="the end of its process")
            found: dict[str, Any] = json.loads(line)
            return found

        yield measure


def _command(name: str, arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.batch.{name}", *map(str, arguments)]


def _say(sentence: str) -> None:
    print(f"batch: {sentence}", file=sys.stderr, flush=True)
