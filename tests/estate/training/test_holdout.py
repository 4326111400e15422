"""Frozen rows that were judged on too often go back to the rows to learn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from estate.core.model_spec import Gate, ModelSpec, TableSource
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.holdout import enough, gates_on, row_hashes, tail_after
from estate.training.split import split_by_time
from tests.specs import home_spec, write_homes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATE = Gate(holdout_rows=100, holdout_uses=3)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    return home_spec(write_homes(tmp_path_factory.mktemp("homes") / "homes.csv"), gate=GATE)


@pytest.fixture
def data(spec: ModelSpec) -> TrainingData:
    return extract(spec, None, as_of=NOW)


def used(data: TrainingData, times: int, *, rows: slice) -> TrainingData:
    uses = np.zeros(len(data), dtype=np.int64)
    uses[rows] = times
    return replace(data, uses=uses)


def test_used_up_rows_are_learned_from_and_the_fresh_ones_frozen(spec: ModelSpec, data: TrainingData) -> None:
    parts = split_by_time(spec, used(data, 3, rows=slice(1600, 1850)))
    assert parts.holdout.entities.tolist() == data.entities[1850:].tolist()
    assert parts.calibration.entities.tolist() == data.entities[1550:1850].tolist()
    assert len(parts.train) == 1550
    assert parts.calibration.times.max() < parts.holdout.times.min()


def test_rows_used_less_often_stay_frozen(spec: ModelSpec, data: TrainingData) -> None:
    parts = split_by_time(spec, used(data, 2, rows=slice(1600, 2000)))
    assert parts.holdout.entities.tolist() == data.entities[1600:].tolist()


@pytest.mark.parametrize("fresh", [0, 99])
def test_where_too_few_are_fresh_the_fewest_newest_that_are_enough_are_frozen(
    spec: ModelSpec, data: TrainingData, fresh: int
) -> None:
    parts = split_by_time(spec, used(data, 3, rows=slice(1600, 2000 - fresh)))
    rows = len(parts.holdout)
    assert 100 <= rows < 200
    assert enough(spec, parts.holdout.y)
    assert rows == 100 or not enough(spec, parts.holdout.y[1:])
    assert parts.holdout.entities.tolist() == data.entities[-rows:].tolist()


def test_where_all_together_are_too_few_all_are_frozen_for_the_gate_to_refuse(
    spec: ModelSpec, data: TrainingData
) -> None:
    demanding = replace(spec, gate=replace(GATE, holdout_rows=500))
    assert len(split_by_time(demanding, used(data, 3, rows=slice(1600, 2000))).holdout) == 400


def test_every_row_is_in_one_part(spec: ModelSpec, data: TrainingData) -> None:
    parts = split_by_time(spec, used(data, 3, rows=slice(1700, 1800)))
    found = [*parts.train.entities, *parts.calibration.entities, *parts.holdout.entities]
    assert sorted(found) == sorted(data.entities)


def test_a_row_has_the_same_number_in_every_training(spec: ModelSpec, data: TrainingData) -> None:
    early = extract(spec, None, as_of=datetime(2024, 2, 1, tzinfo=UTC))
    assert np.array_equal(row_hashes(spec, early), row_hashes(spec, data)[: len(early)])
    assert len(np.unique(row_hashes(spec, data))) == len(data)


def test_without_a_time_a_row_keeps_its_number_when_others_come(tmp_path: Path) -> None:
    path = write_homes(tmp_path / "homes.csv", rows=300)
    spec = home_spec(path)
    assert isinstance(spec.source, TableSource)
    timeless = replace(spec, source=replace(spec.source, time=None))
    whole = row_hashes(timeless, extract(timeless, None, as_of=NOW))
    path.write_text("\n".join(path.read_text().splitlines()[:201]) + "\n")
    fewer = row_hashes(timeless, extract(timeless, None, as_of=NOW))
    assert len(fewer) == 200
    assert np.isin(fewer, whole).all()


def test_gates_on_half_of_the_rows_count(data: TrainingData) -> None:
    hashes = np.arange(100, dtype=np.uint64)
    earlier = [hashes[:50], hashes[:49], hashes[50:], np.arange(100, 200, dtype=np.uint64)]
    assert gates_on(hashes, earlier) == 2


def test_the_first_use_is_at_five_percent_and_each_later_one_at_less() -> None:
    assert [tail_after(uses) for uses in range(3)] == [0.05, 0.025, pytest.approx(0.05 / 3)]
