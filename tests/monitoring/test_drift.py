"""An alarm is rare by chance and sure when the world moved."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from estate.core.frame import Column, Frame
from monitoring.cells import cells_of
from monitoring.drift import LEAST_EFFECT, drift_findings, find_shifts
from monitoring.holm import holm, weights_of
from monitoring.null_distribution import NullDistribution
from monitoring.window import Window
from tests.monitoring.conftest import Sampler

RNG = np.random.default_rng(3)


def _drifted(reference: Window, window: Window) -> list[str | None]:
    return [shift.column for shift in find_shifts(reference, window) if shift.drifted]


MOVED = {
    "number": ("budget_usd", RNG.lognormal(13.0, 0.4, 200)),
    "spread": ("budget_usd", RNG.lognormal(12.5, 1.2, 200)),
    "count": ("visits_count_7d", RNG.poisson(3.5, 200).astype(np.float64)),
    "no longer missing": ("area", RNG.choice(np.array(["north", "south"], dtype=object), 200)),
    "new source": ("source", RNG.choice(np.array(["portal", "web", "tv"], dtype=object), 200)),
    "mix": ("source", RNG.choice(np.array(["portal", "web", "web", "web"], dtype=object), 200)),
}


@pytest.mark.parametrize("case", MOVED)
def test_a_column_that_moved_is_found_alone(case: str, reference: Window, sample: Sampler) -> None:
    column, values = MOVED[case]
    assert _drifted(reference, sample(200, 1, **{column: values})) == [column]


def test_scores_that_moved_are_found(reference: Window, sample: Sampler) -> None:
    window = sample(200, 1)
    moved = Window(window.features, RNG.beta(4, 6, 200))
    (finding,) = drift_findings(find_shifts(reference, moved))
    assert (finding.code, finding.column) == ("MON202", None)
    assert finding.sentence.startswith("the scores moved: distance 0.")


@pytest.mark.thorough
@pytest.mark.parametrize("rows", [30, 200, 1000])
def test_alarms_are_rare_while_nothing_changes(rows: int, sample: Sampler) -> None:
    # 200 passes at 1 %: more than 7 alarms have a chance of 0.1 %.
    alarms = sum(bool(_drifted(sample(1000, seed), sample(rows, 10_000 + seed))) for seed in range(200))
    assert alarms <= 7


@pytest.mark.parametrize("levels", [0, 6])
def test_p_values_are_uniform_while_nothing_changes(levels: int) -> None:
    rng = np.random.default_rng(11)
    p_values = []
    for seed in range(200):
        values = (
            rng.normal(size=1000) if not levels else rng.integers(0, levels, 1000).astype(str).astype(object)
        )
        null = NullDistribution(rate=0.01, columns=1, seed=seed)
        p_values.append(null.judge(cells_of(values[:800], values[800:])).p_value)
    assert 2 <= sum(p < 0.05 for p in p_values) <= 20
    assert 75 <= sum(p < 0.5 for p in p_values) <= 125


def test_a_huge_window_does_not_alarm_on_a_trifle() -> None:
    before, now = RNG.normal(0, 1, 50_000), RNG.normal(0.05, 1, 50_000)
    windows = [Window(Frame({"x": v}, 50_000), RNG.random(50_000)) for v in (before, now)]
    (shift, _) = find_shifts(*windows)
    assert shift.statistic < LEAST_EFFECT
    assert (shift.p_value, shift.drifted) == (1.0, False)


def test_the_same_rows_are_judged_the_same_and_left_as_they_are(reference: Window, sample: Sampler) -> None:
    window = sample(100, 5)
    before = copy.deepcopy(window.features.columns)
    assert find_shifts(reference, window) == find_shifts(reference, window)
    for name, values in before.items():
        np.testing.assert_array_equal(values, window.features[name])


@pytest.mark.parametrize("kind", ["number", "category"])
def test_columns_without_any_value_or_with_one_are_judged(kind: str) -> None:
    missing: Column = np.full(50, np.nan) if kind == "number" else np.full(50, None, dtype=object)
    constant: Column = np.full(50, 3.0) if kind == "number" else np.full(50, "x", dtype=object)
    for values in (missing, constant):
        cells = cells_of(values, values[:30])
        assert float(cells.distance(cells.window)) == 0.0
    cells = cells_of(constant, missing)
    assert float(cells.distance(cells.window)) == 1.0


def test_missing_rows_count_at_either_end() -> None:
    values = np.arange(100.0)
    low_gone, high_gone = values.copy(), values.copy()
    low_gone[:30], high_gone[70:] = np.nan, np.nan
    for now in (low_gone, high_gone):
        cells = cells_of(values, now)
        assert float(cells.distance(cells.window)) == pytest.approx(0.3)


def test_holm_stops_at_the_first_that_does_not_stand() -> None:
    assert [stands for stands, _ in holm([0.001, 0.03, 0.012, 0.04], 0.05)] == [True, False, True, False]


def test_an_important_column_is_held_against_a_higher_level() -> None:
    weights = weights_of(["a", "b", None], {"a": 0.2, "b": 0.0})
    assert sum(weights) == pytest.approx(1.0)
    assert weights[0] == weights[2] > weights[1] > 0.16
    assert weights_of(["a", None], {}) == [0.5, 0.5]


@pytest.mark.thorough
def test_a_shift_of_an_important_column_is_seen_earlier() -> None:
    random = np.random.default_rng(5)
    names = [f"x{i}" for i in range(30)]
    before = Window(Frame({name: random.normal(size=2000) for name in names}, 2000), random.random(2000))

    def found(importance: dict[str, float], seed: int) -> bool:
        draws = np.random.default_rng(seed)
        columns = {name: draws.normal(0.45 if name == "x3" else 0.0, 1, 100) for name in names}
        shifts = find_shifts(before, Window(Frame(columns, 100), draws.random(100)), importance=importance)
        return shifts[3].drifted

    seen = {worth: sum(found({"x3": 1.0} if worth else {}, seed) for seed in range(60)) for worth in (0, 1)}
    assert seen[1] > seen[0]


def test_a_column_that_only_one_side_has_is_left_to_the_contract(reference: Window, sample: Sampler) -> None:
    whole = sample(200, 1)
    kept = {name: values for name, values in whole.features.columns.items() if name != "area"}
    shifts = find_shifts(reference, Window(Frame(kept, 200), whole.scores))
    assert [shift.column for shift in shifts] == [
        "budget_usd",
        "visits_count_7d",
        "tours_count_30d",
        "source",
        None,
    ]
