"""A row that comes over HTTP has the very bits that it had in training."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.bundles import InputColumn
from estate.catalog import OWN
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec, TableSource
from estate.training.extract import extract
from serving.rows import frame_of
from tests.specs import band_spec, days_spec, home_spec, write_homes

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def same_bits(left: Frame, right: Frame) -> None:
    for name in left.columns:
        if left[name].dtype == object:
            assert left[name].tolist() == right[name].tolist(), name
        else:
            assert left[name].tobytes() == right[name].tobytes(), name


def through_json(spec: ModelSpec) -> None:
    data = extract(spec, None, as_of=NOW)
    inputs = tuple(
        InputColumn(name, "category" if data.raw[name].dtype == object else "number") for name in data.inputs
    )
    rows = json.loads(json.dumps(data.raw.records()))
    same_bits(spec.features.compute(frame_of(rows, inputs)), data.features)
    for i in (0, len(rows) // 2, len(rows) - 1):
        alone = spec.features.compute(frame_of([rows[i]], inputs))
        assert alone.records() == [data.features.records()[i]]


@pytest.mark.parametrize("make", [home_spec, days_spec, band_spec])
def test_rows_of_a_users_table(make: Callable[[Path], ModelSpec], tmp_path: Path) -> None:
    through_json(make(write_homes(tmp_path / "homes.csv", rows=300)))


@pytest.mark.parametrize("name", [spec.name for spec in OWN if isinstance(spec.source, TableSource)])
def test_rows_of_every_table_model(name: str, public_data: Path) -> None:
    spec = next(spec for spec in OWN if spec.name == name)
    assert isinstance(spec.source, TableSource)
    path = public_data / "bank_marketing" / "bank-additional-full.csv.gz"
    through_json(replace(spec, source=replace(spec.source, path=str(path))))
