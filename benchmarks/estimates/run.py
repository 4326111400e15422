"""How near does an estimate without labels come to what labels say later, ours and NannyML's?

Windows of scores whose labels are held back. ``ours_off`` and ``nannyml_off`` are mean absolute distances
from the
metric that the labels give, ``noise`` is how far the labels of a calibrated window stray from their own
expectation: no estimate can come nearer. ``warned`` is the share of windows at which MON306 says that the
estimate
rests on nothing, once the labels of that window are the ripe rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.estimates.peer import ask, nannyml_python
from benchmarks.estimates.worlds import Case, Labelled, bank_marketing, simulated
from estate.core.errors import ContractError, StackError
from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.metrics import metric_named
from monitoring.quality.calibration import check_calibration
from monitoring.quality.estimated import expected, expected_skill
from monitoring.quality.trust import doubts_of_ripe

COMPARED = ("roc_auc", "accuracy")
OWN = ("log_loss", "brier")
FALL = 0.9


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: few windows, without NannyML."""
    rows: list[dict[str, object]] = []
    python, absent = (None, "left out by --quick") if quick else _python()
    cases = simulated(rows=1_000, windows=10 if quick else 100)
    try:
        cases += bank_marketing(rows=1_000)
    except ContractError as error:
        rows.append({"case": "bank marketing", "nannyml": f"skipped: {error}"})
    for case in cases:
        rows += _rows(case, python, absent)
    goals = _goals([row for row in rows if "metric" in row], asked=python is not None)
    return {"benchmark": "estimates", "rows": rows, "goals": [] if quick else goals}


def _python() -> tuple[Path | None, str]:
    try:
        return nannyml_python(), ""
    except StackError as error:
        return None, f"could not be installed: {error.got}"


def _rows(case: Case, python: Path | None, absent: str) -> list[dict[str, object]]:
    theirs: Mapping[str, Numbers] = {}
    if python is not None:
        try:
            theirs = ask(python, case)
        except StackError as error:
            absent = f"failed: {error.got}"
    warned = _warned(case)
    return [
        {**_row(case, name, theirs.get(name)), "warned": warned, "nannyml": "asked" if theirs else absent}
        for name in (*COMPARED, *OWN)
    ]


def _row(case: Case, name: str, theirs: Numbers | None) -> dict[str, object]:
    metric = metric_named(Task.BINARY, name)
    real = np.array([metric.function(window.y, Scores(window.p)) for window in case.windows])
    ours = np.array([expected(name, window.p) for window in case.windows])
    row: dict[str, object] = {
        "case": case.name,
        "kind": case.kind,
        "metric": name,
        "windows": len(case.windows),
        "realised": float(real.mean()),
        "ours": float(ours.mean()),
        "ours_off": float(np.abs(ours - real).mean()),
        "noise": _noise(case.windows[0], name),
    }
    if theirs is not None:
        row |= {
            "nannyml_estimate": float(theirs.mean()),
            "nannyml_off": float(np.abs(theirs - real).mean()),
            "apart": float(np.abs(theirs - ours).mean()),
        }
    return row


def _noise(window: Labelled, name: str) -> float:
    metric, random = metric_named(Task.BINARY, name), np.random.default_rng(0)
    drawn = [
        metric.function((random.random(len(window.p)) < window.p).astype(np.float64), Scores(window.p))
        for _ in range(100)
    ]
    return float(np.abs(np.array(drawn) - expected(name, window.p)).mean())


def _warned(case: Case) -> float:
    """Return the share of windows before which the ripe rows of the window before gave a warning."""
    metric = metric_named(Task.BINARY, "log_loss")
    lost = (1.0 - FALL) * expected_skill("log_loss", case.reference.p)
    found = [
        bool(doubts_of_ripe(metric, one.y, one.p, check_calibration(one.y, one.p, seed=i), lost=lost, seed=i))
        for i, one in enumerate(case.windows)
    ]
    return float(np.mean(found))


def _goals(rows: list[dict[str, object]], *, asked: bool) -> list[dict[str, object]]:
    def most(what: str, of: list[float], bound: float) -> dict[str, object]:
        value = max(of)
        return {"goal": f"{what} at most {bound:g}", "value": value, "bound": bound, "met": value <= bound}

    calibrated = [row for row in rows if row["kind"] == "calibrated"]
    known = [row for row in calibrated if "bank" not in str(row["case"])]
    auc = [row for row in calibrated if row["metric"] == "roc_auc"]
    goals = [
        most(
            "ours off over noise, all metrics, where scores are calibrated,",
            [_number(row, "ours_off") / _number(row, "noise") for row in known],
            1.3,
        ),
        most(
            "share of calibrated simulated windows with a warning",
            [_number(row, "warned") for row in known],
            0.05,
        ),
    ]
    least = min(_number(row, "warned") for row in rows if row["kind"] == "broken")
    goals.append(
        {
            "goal": "share of windows with a warning where the assumption fails at least 0.9",
            "value": least,
            "bound": 0.9,
            "met": least >= 0.9,
        }
    )
    if asked and all("apart" in row for row in auc):
        goals.append(
            most(
                "ours off less NannyML's off, ROC AUC, where scores are calibrated,",
                [_number(row, "ours_off") - _number(row, "nannyml_off") for row in auc],
                0.002,
            )
        )
    return goals


def _number(row: dict[str, object], name: str) -> float:
    return float(str(row[name]))
