"""Bands: by the spec or by quantiles, with how often each came true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estate.core.errors import SpecError
from estate.core.model_spec import ModelSpec
from estate.training.bands import bands_of
from tests.specs import band_spec, days_spec, home_spec

SCORES = np.linspace(0, 1, 1001)
Y = (np.arange(1001) % 10 < 10 * SCORES).astype(np.float64)


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return home_spec(tmp_path / "homes.csv")


def test_without_edges_the_bands_part_at_quantiles_of_the_reference(spec: ModelSpec) -> None:
    bands = bands_of(spec, SCORES, Y, SCORES)
    assert bands is not None
    assert bands.edges == pytest.approx((0.6, 0.9))
    assert bands.names == ("low", "medium", "high")


def test_of_each_band_it_is_measured_how_often_it_came_true(spec: ModelSpec) -> None:
    bands = bands_of(replace(spec, bands=(0.25, 0.5)), SCORES, Y, SCORES)
    assert bands is not None
    low, medium, high = bands.measured
    assert [rate.rows for rate in bands.measured] == [250, 250, 501]
    assert low.share == pytest.approx(0.175, abs=0.01)
    assert high.share == pytest.approx(0.8, abs=0.01)
    assert low.low < low.share < low.high < medium.low < medium.high < high.low
    assert sum(rate.positives for rate in bands.measured) == Y.sum()


def test_a_band_without_frozen_rows_may_be_anything(spec: ModelSpec) -> None:
    bands = bands_of(replace(spec, bands=(0.5, 2.0)), SCORES, Y, SCORES)
    assert bands is not None
    assert (bands.measured[-1].rows, bands.measured[-1].low, bands.measured[-1].high) == (0, 0.0, 1.0)


def test_scores_that_are_all_the_same_have_no_bands(spec: ModelSpec) -> None:
    assert bands_of(spec, np.full(100, 0.3), Y, SCORES) is None
    mostly = np.concatenate([np.full(700, 0.1), SCORES])
    bands = bands_of(spec, mostly, Y, SCORES)
    assert bands is not None
    assert len(bands.edges) == 2


@pytest.mark.parametrize("make", [days_spec, band_spec])
def test_other_tasks_have_bands_only_by_the_spec(make: object, tmp_path: Path) -> None:
    spec: ModelSpec = make(tmp_path / "homes.csv")  # type: ignore[operator]
    assert bands_of(spec, SCORES, Y, SCORES) is None
    bands = bands_of(replace(spec, bands=(0.1, 0.2, 0.3)), SCORES, Y, SCORES)
    assert bands is not None
    assert bands.names == ("1 of 4", "2 of 4", "3 of 4", "4 of 4")
    assert bands.measured == ()


@pytest.mark.parametrize("bands", [(0.5, 0.2), (0.2, 0.2), (None,), (float("nan"),), 0.5, ("a",)])
def test_bands_that_do_not_rise_are_refused(spec: ModelSpec, bands: Any) -> None:
    with pytest.raises(SpecError, match="`bands` of model `home_sale`: expected scores, each above"):
        replace(spec, bands=bands)


@pytest.mark.parametrize("interval", [0.5, 1.0, 90, None])
def test_a_level_that_is_none_is_refused(spec: ModelSpec, interval: Any) -> None:
    with pytest.raises(SpecError, match="`interval` of model `home_sale`: expected a share between"):
        replace(spec, interval=interval)
