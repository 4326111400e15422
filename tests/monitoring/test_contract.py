"""Broken data is told from a world that moved."""

from __future__ import annotations

import numpy as np
import pytest

from estate.core.frame import Column, Frame
from monitoring.contract import check_contract, enough_rows
from monitoring.window import Window
from tests.monitoring.conftest import Sampler

ROWS = 200
RNG = np.random.default_rng(7)


def _codes(reference: Window, window: Window) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.column) for finding in check_contract(reference, window, "f")]


def _texts(*values: str | None) -> Column:
    return RNG.choice(np.array(values, dtype=object), ROWS)


def _mostly_missing(share: float) -> Column:
    values = RNG.lognormal(12.5, 0.4, ROWS)
    values[: int(share * ROWS)] = np.nan
    return values


BROKEN = {
    "gone": ("MON101", "budget_usd", np.full(ROWS, np.nan)),
    "70 % missing": ("MON101", "budget_usd", _mostly_missing(0.7)),
    "text gone": ("MON101", "source", np.full(ROWS, None, dtype=object)),
    "other codes": ("MON102", "source", _texts("1", "2", "3", "4")),
    "other case": ("MON102", "source", _texts("Portal", "WEB", "referral ")),
    "a word for missing": ("MON102", "source", np.full(ROWS, "None", dtype=object)),
    "stuck": ("MON103", "visits_count_7d", np.zeros(ROWS)),
    "cents": ("MON115", "budget_usd", 100 * _mostly_missing(0)),
    "thousands": ("MON115", "budget_usd", _mostly_missing(0) / 1000),
}
REAL = {
    "richer by half": ("budget_usd", 1.5 * _mostly_missing(0)),
    "a few more missing": ("budget_usd", _mostly_missing(0.1)),
    "one new source takes most": ("source", _texts("tv", "tv", "tv", "portal")),
    "one source is left": ("source", np.full(ROWS, "web", dtype=object)),
    "nobody visits much": ("visits_count_7d", RNG.integers(0, 2, ROWS).astype(np.float64)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_defect_is_found_and_nothing_else(case: str, reference: Window, sample: Sampler) -> None:
    code, column, values = BROKEN[case]
    assert _codes(reference, sample(ROWS, 1, **{column: values})) == [(code, column)]


@pytest.mark.parametrize("case", REAL)
def test_a_real_change_is_no_defect(case: str, reference: Window, sample: Sampler) -> None:
    column, values = REAL[case]
    assert _codes(reference, sample(ROWS, 1, **{column: values})) == []


@pytest.mark.parametrize("rows", [30, 50, 500])
def test_whole_data_have_no_findings(rows: int, reference: Window, sample: Sampler) -> None:
    assert [found for seed in range(1, 60) for found in _codes(reference, sample(rows, seed))] == []


def test_a_month_or_an_index_may_stand_still_where_it_never_was(sample: Sampler) -> None:
    before = sample(
        2000,
        0,
        rate=np.repeat([1.1, 1.4, -0.1, 1.2], 500),
        month=np.repeat(np.array(["may", "jun", "jul", "aug"], dtype=object), 500),
    )
    months = np.repeat(np.array(["nov", "dec"], dtype=object), ROWS // 2)
    assert _codes(before, sample(ROWS, 1, rate=np.full(ROWS, -0.01), month=months)) == []


def test_a_column_that_was_nearly_always_missing_may_be_missing(sample: Sampler) -> None:
    before = np.full(2000, np.nan)
    before[:10] = 1.0
    now = np.full(50, np.nan)
    assert _codes(sample(2000, 0, rare=before), sample(50, 1, rare=now)) == []


def test_rows_of_other_feature_code_are_counted(reference: Window, sample: Sampler) -> None:
    window = sample(100, 1)
    mixed = Window(window.features, window.scores, {"f": 60, "g": 40})
    (finding,) = check_contract(reference, mixed, "f")
    assert (finding.code, finding.statistic) == ("MON106", 40.0)
    assert finding.sentence.startswith("40 of 100 rows")


def test_too_few_rows_on_either_side_can_not_be_judged(reference: Window) -> None:
    assert enough_rows(reference, 30) is None
    few = enough_rows(reference, 29)
    assert few is not None
    assert (few.code, few.sentence) == ("MON104", "29 predictions can't be judged: at least 30 are needed")
    empty = Window(Frame({}, 0), np.array([]))
    none = enough_rows(empty, 500)
    assert none is not None
    assert none.sentence.startswith("0 rows of the training reference")


OTHER_BREAKS = {
    "negative budgets": (
        "MON111",
        "budget_usd",
        np.where(np.arange(ROWS) < 30, -1.0, 250_000.0 + np.arange(ROWS)),
    ),
    "text in a number": ("MON110", "budget_usd", np.full(ROWS, "plenty", dtype=object)),
    "numbers as text": ("MON110", "budget_usd", np.full(ROWS, "250000", dtype=object)),
    "numbers in a category": ("MON110", "source", np.arange(ROWS, dtype=np.float64)),
    "tenths": ("MON115", "budget_usd", _mostly_missing(0) / 10),
}


@pytest.mark.parametrize("case", OTHER_BREAKS)
def test_ranges_types_and_units(case: str, reference: Window, sample: Sampler) -> None:
    code, column, values = OTHER_BREAKS[case]
    assert _codes(reference, sample(ROWS, 1, **{column: values})) == [(code, column)]


def test_a_share_above_one_is_out_of_range(sample: Sampler) -> None:
    before = sample(2000, 0, replied=np.clip(np.random.default_rng(1).normal(0.6, 0.3, 2000), 0, 1))
    now = np.clip(np.random.default_rng(2).normal(0.6, 0.3, ROWS), 0, 1) + np.where(
        np.arange(ROWS) < 40, 0.7, 0
    )
    assert _codes(before, sample(ROWS, 1, replied=now)) == [("MON111", "replied")]


def test_scores_that_are_no_probabilities(reference: Window, sample: Sampler) -> None:
    window = sample(ROWS, 1)
    far = Window(window.features, 3 * window.scores + 0.2, window.fingerprints)
    assert _codes(reference, far) == [("MON111", None)]


def test_one_bad_value_among_many_is_no_other_type(reference: Window, sample: Sampler) -> None:
    values = np.array([str(i) for i in range(ROWS)], dtype=object)
    values[7] = "ask the agent"
    assert ("MON110", "budget_usd") not in _codes(reference, sample(ROWS, 1, budget_usd=values))
