"""The report is for people; a pass goes on without it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from monitoring.report import write_report
from monitoring.window import Window
from tests.monitoring.conftest import Sampler


def test_what_would_crash_evidently_is_left_out_and_named(
    reference: Window, sample: Sampler, tmp_path: Path
) -> None:
    visits = np.full(60, 3.0)
    visits[:5] = np.inf
    window = sample(
        60,
        1,
        budget_usd=np.full(60, np.nan),
        visits_count_7d=visits,
        tours_count_30d=np.full(60, "two", dtype=object),
        source=np.full(60, "tv", dtype=object),
    )
    report = write_report(reference, window, tmp_path / "churn" / "one")
    assert report.folder == tmp_path / "churn" / "one"
    (finding,) = report.findings
    assert (finding.code, finding.statistic) == ("MON402", 2.0)
    assert finding.sentence.endswith("`budget_usd`, `tours_count_30d`")
    assert len(json.loads((report.folder / "report.json").read_text())["metrics"]) == 5
    assert (report.folder / "report.html").stat().st_size > 100_000


def test_a_report_that_fails_is_a_finding(reference: Window, sample: Sampler, tmp_path: Path) -> None:
    (tmp_path / "churn").write_text("a file where the folder should be")
    report = write_report(reference, sample(60, 1), tmp_path / "churn" / "one")
    assert report.folder is None
    (finding,) = report.findings
    assert finding.code == "MON401"
    assert "NotADirectoryError" in finding.sentence
    assert "\n" not in finding.sentence
