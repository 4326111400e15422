"""Rows stream by: all are counted, a uniform sample is kept, memory stays where it was."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from monitoring.contract import check_contract
from monitoring.sample import WindowSampler, window_of_arrow
from monitoring.window import Window
from tests.monitoring.conftest import Sampler

FLAT = """
import resource, sys
import numpy as np, pyarrow as pa
from estate.core.frame import Frame
from monitoring.judge import judge_window
from monitoring.sample import window_of_arrow
from monitoring.window import Window

rows, batch = int(sys.argv[1]), 50_000
levels = np.array(["portal", "web", "phone"], dtype=object)

def table(rows, seed):
    random = np.random.default_rng(seed)
    numbers = {f"x{i}": random.normal(size=rows) for i in range(35)}
    return {**numbers, **{f"k{i}": random.choice(levels, rows) for i in range(5)}}, random.beta(2, 6, rows)

def batches():
    made = [table(batch, seed) for seed in range(4)]
    records = [pa.RecordBatch.from_pydict({**c, "__score": s}) for c, s in made]
    for i in range(rows // batch):
        yield records[i % 4]

columns, scores = table(5000, 99)
reference = Window(Frame(columns, 5000), scores)
window = window_of_arrow(batches(), reference)
judged = judge_window(reference, window, fingerprint="f", rate=lambda: 0.01)
print(window.rows, len(window.scores), len(judged.broken), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _batch(window: Window) -> pa.RecordBatch:
    columns = {name: pa.array(values, from_pandas=True) for name, values in window.features.columns.items()}
    return pa.RecordBatch.from_pydict({**columns, "__score": window.scores})


def test_every_row_is_counted_and_a_uniform_sample_kept(reference: Window, sample: Sampler) -> None:
    window = window_of_arrow((_batch(sample(1000, seed)) for seed in range(1, 21)), reference, most=500)
    assert (window.rows, len(window.scores), window.features.rows) == (20_000, 500, 500)
    assert window.tallies["budget_usd"].given == 20_000
    assert window.sampling_error == pytest.approx(0.0607, abs=1e-3)
    assert check_contract(reference, window, "f") == ()


def test_each_row_has_the_same_chance(reference: Window) -> None:
    sampler = WindowSampler(reference, most=2_000, seed=3)
    for start in range(0, 40_000, 1_000):
        sampler.add_columns({}, np.arange(start, start + 1_000, dtype=np.float64))
    kept = sampler.window().scores
    by_quarter = np.histogram(kept, bins=4, range=(0, 40_000))[0]
    assert len(kept) == 2_000
    assert (np.abs(by_quarter - 500) < 80).all()  # 4 standard deviations


def test_the_sample_does_not_depend_on_how_the_rows_are_cut(reference: Window) -> None:
    def kept(cut: int) -> list[float]:
        sampler = WindowSampler(reference, most=100)
        for start in range(0, 1_000, cut):
            sampler.add_columns({}, np.arange(start, start + cut, dtype=np.float64))
        return list(map(float, sampler.window().scores))

    assert kept(1_000) == kept(50)


@pytest.mark.thorough
def test_ten_million_rows_take_the_memory_of_one_million() -> None:
    peaks = {}
    for rows in (1_000_000, 10_000_000):
        ran = subprocess.run(
            [sys.executable, "-c", FLAT, str(rows)], capture_output=True, text=True, check=True, timeout=280
        )
        seen, kept, broken, peak = map(int, ran.stdout.split())
        assert (seen, kept, broken) == (rows, 20_000, 0)
        peaks[rows] = peak
    assert peaks[10_000_000] <= 1.1 * peaks[1_000_000]
