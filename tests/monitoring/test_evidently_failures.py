"""What Evidently misses, skips or crashes on is a finding here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from estate.core.frame import Column, Frame
from monitoring.contract import enough_rows
from monitoring.judge import judge_window
from monitoring.report import write_report
from monitoring.window import NO_ROWS, Window
from tests.monitoring.conftest import Sampler

ROWS = 100
SEVENTY = np.where(np.arange(ROWS) < 70, np.nan, 250_000.0 + 1000 * np.arange(ROWS))
STUCK = np.where(np.arange(ROWS) % 2 == 0, np.nan, 3.0)

FAILURES: dict[str, tuple[str, str, Column]] = {
    "nulls from 0 to 70 %": ("MON101", "budget_usd", SEVENTY),
    "a column that is all null": ("MON101", "budget_usd", np.full(ROWS, np.nan)),
    "a category that is all null": ("MON101", "source", np.full(ROWS, None, dtype=object)),
    "a changed type": ("MON110", "budget_usd", np.full(ROWS, "lots", dtype=object)),
    "numbers in a category": ("MON110", "source", np.arange(ROWS, dtype=np.float64)),
    "a constant column with NaN": ("MON103", "visits_count_7d", STUCK),
}


def _codes(reference: Window, window: Window) -> list[tuple[str, str | None]]:
    judged = judge_window(reference, window, fingerprint="f", rate=lambda: 0.01)
    return [(finding.code, finding.column) for finding in (*judged.broken, *judged.moved)]


@pytest.mark.parametrize("case", FAILURES)
def test_each_gives_a_finding(case: str, reference: Window, sample: Sampler, tmp_path: Path) -> None:
    code, column, values = FAILURES[case]
    window = sample(ROWS, 1, **{column: values})
    assert (code, column) in _codes(reference, window)
    assert write_report(reference, window, tmp_path / "report").folder is not None


def test_a_column_that_is_gone_is_named_and_the_report_made_without_it(
    reference: Window, sample: Sampler, tmp_path: Path
) -> None:
    whole = sample(ROWS, 1)
    kept = {name: values for name, values in whole.features.columns.items() if name != "source"}
    window = Window(Frame(kept, ROWS), whole.scores, whole.fingerprints)
    assert _codes(reference, window) == [("MON109", "source")]
    report = write_report(reference, window, tmp_path / "report")
    assert report.folder is not None
    assert [finding.code for finding in report.findings] == ["MON402"]


def test_a_column_that_always_stood_still_and_now_goes_missing(sample: Sampler) -> None:
    before = sample(2000, 0, visits_count_7d=np.full(2000, 3.0))
    assert _codes(before, sample(ROWS, 1, visits_count_7d=STUCK)) == [("MON101", "visits_count_7d")]


def test_no_rows_at_all_can_not_be_judged(reference: Window) -> None:
    finding = enough_rows(reference, NO_ROWS.rows)
    assert finding is not None
    assert finding.code == "MON104"
