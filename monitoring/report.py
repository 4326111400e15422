"""Evidently's report: pictures for a person. The decision is made beside it, by :mod:`monitoring.drift`.

Its tests are set to the same correction over columns, so that report and decision seldom disagree; where they
do, the decision counts (its p-values do not come from tables for large samples).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from estate.core.frame import Column
from estate.store.watch_passes import WatchFinding
from monitoring.drift import ALARM_RATE, Sample
from monitoring.evidently_run import present, run_evidently

log = logging.getLogger(__name__)

HTML, JSON = "report.html", "report.json"
SCORE = "score of the model"


@dataclass(frozen=True)
class Report:
    """What came of the report.

    Parameters
    ----------
    folder : Path or None
        With ``report.html`` and ``report.json``; None if it failed.
    findings : tuple of WatchFinding
        MON401 if it failed, MON402 if columns had to be left out.
    """

    folder: Path | None
    findings: tuple[WatchFinding, ...]


def write_report(
    reference: Sample,
    window: Sample,
    folder: Path,
    *,
    alarm_rate: float = ALARM_RATE,
    add: Callable[[Any], None] | None = None,
) -> Report:
    """Write the report; never raises, for a picture must not stop the watch.

    Parameters
    ----------
    alarm_rate : float
        Of all columns together, that the report's tests are set to.
    add : callable, optional
        Is given Evidently's run too, once it is written: for its dashboard.
    """
    before, now = _columns(reference), _columns(window)
    drawn = [name for name in before if name in now and _drawable(before[name], now[name])]
    left_out = [name for name in before if name not in drawn]
    findings = [_left_out(left_out)] if left_out else []
    try:
        run = _write(
            {name: before[name] for name in drawn}, {name: now[name] for name in drawn}, folder, alarm_rate
        )
    except Exception as error:  # Evidently raises whatever its parts raise
        log.warning("report failed folder=%s error=%s", folder, type(error).__name__)
        log.debug("report failed", exc_info=True)
        shutil.rmtree(folder, ignore_errors=True)
        return Report(None, (*findings, _failed(error)))
    if add is not None:
        add(run)
    return Report(folder, tuple(findings))


def _write(before: dict[str, Column], now: dict[str, Column], folder: Path, alarm_rate: float) -> Any:
    run = run_evidently(before, now, p_value=alarm_rate / max(1, len(before)))
    folder.mkdir(parents=True, exist_ok=True)
    run.save_html(str(folder / HTML))
    run.save_json(str(folder / JSON))
    return run


def _columns(sample: Sample) -> dict[str, Column]:
    return {**sample.features.columns, SCORE: sample.scores}


def _drawable(before: Column, now: Column) -> bool:
    """Whether Evidently survives the column: one kind, and something in both samples."""
    return before.dtype == now.dtype and bool(present(before).any()) and bool(present(now).any())


def _left_out(names: list[str]) -> WatchFinding:
    listed = ", ".join(f"`{name}`" for name in names)
    sentence = f"left out of the report, having no values or another kind: {listed}"
    return WatchFinding("MON402", None, float(len(names)), 0.0, sentence)


def _failed(error: Exception) -> WatchFinding:
    lines = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
    return WatchFinding("MON401", None, None, None, f"no report could be made ({reason})")
