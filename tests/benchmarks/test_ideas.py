"""The parts of the benchmark of ideas that need no server."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.ideas.floats import float_rows
from benchmarks.ideas.parallel import _histories, compute
from benchmarks.ideas.timing import in_turn
from benchmarks.ideas.vectorizing import features


def test_each_way_is_called_as_often_as_the_others() -> None:
    called: list[str] = []
    took = in_turn({"one": lambda: called.append("one"), "other": lambda: called.append("other")}, 0.0)
    assert set(took) == {"one", "other"}
    assert called == ["one", "other"] * 4


def test_leads_one_by_one_and_as_one_call_have_the_same_features() -> None:
    each, together = _histories(12)
    whole = compute(together)
    for number, one in enumerate(each):
        alone = compute(one)
        for name, values in whole.columns.items():
            assert alone[name].tolist() == values[[number]].tolist() or np.isnan(alone[name][0]), name


def test_numpy_features_are_the_same_row_by_row() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 28))
    together = features(rows)
    assert np.array_equal(np.concatenate([features(row[None]) for row in rows]), together)


def test_float32_halves_arrays_and_enlarges_scalars(tmp_path: Path) -> None:
    rows = {str(row["idea"]): row["measured"] for row in float_rows(tmp_path, 1000, 0.0)}
    assert rows["float32: arrays, memory"] == 0.5
    assert float(str(rows["float32: scalars, memory"])) > 1
