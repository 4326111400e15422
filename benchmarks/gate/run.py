"""Whom does the gate let through? False passes, power, and what trying again on the same rows is worth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np

from benchmarks.gate.pairs import BETTER, CHAMPION_AUC, ROWS, Case, Kind, draw_pair, draw_tries
from estate.core.model_spec import Gate, Task
from estate.training import rules
from estate.training.holdout import tail_after
from estate.training.metrics import TAIL, metric_named
from estate.training.paired import method_of, paired_gain

POSITIVES = (0.05, 0.1, 0.2, 0.5)
METRICS = ("roc_auc", "log_loss")
CORRELATION = 0.8
NO_BETTER = ("equal", "equal, of another shape", "worse", "identical")
POWER_FROM = 0.1
"""Least share of positives at which the goal of the power is set; the table says what it is below."""
TRIES = 20
_PART = 50

Row = dict[str, object]


def run(quick: bool) -> dict[str, object]:
    """Measure all; quick: a smoke run of under a minute."""
    pairs = {kind: 20 if quick else many for kind, many in _PAIRS.items()}
    cases = [
        Case(metric, kind, share, CORRELATION)
        for metric in METRICS
        for kind in _PAIRS
        for share in (POSITIVES[-2:] if quick else POSITIVES)
    ]
    cases += [replace(case, correlation=0.9) for case in cases if case.kind == "better"]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        parts = [(case, start) for case in cases for start in range(0, pairs[case.kind], _PART)]
        sizes = [min(_PART, pairs[case.kind] - start) for case, start in parts]
        passed = pool.map(count_passed, *zip(*parts, strict=True), sizes)
        counts: dict[Case, int] = dict.fromkeys(cases, 0)
        for (case, _), found in zip(parts, passed, strict=True):
            counts[case] += found
        families = 20 if quick else 400
        reused = np.array(list(pool.map(try_again, range(families), chunksize=10)))
    rows = [_row(case, counts[case], pairs[case.kind]) for case in cases]
    rows += _reused_rows(reused)
    return {"benchmark": "gate", "rows": rows, "goals": [] if quick else _goals(rows)}


_PAIRS: Mapping[Kind, int] = {
    "equal": 800,
    "equal, of another shape": 800,
    "worse": 200,
    "identical": 50,
    "better": 200,
}


def count_passed(case: Case, start: int, pairs: int) -> int:
    """Return how many of these pairs' challengers the gate's comparison lets through."""
    metric = metric_named(Task.BINARY, case.metric)
    passed = 0
    for seed in range(start, start + pairs):
        y, pair = draw_pair(case, seed)
        passed += rules.is_better(paired_gain(metric, y, pair, seed=seed), Gate().margin)
    return passed


def try_again(seed: int) -> tuple[bool, bool, bool]:
    """Judge twenty challengers, none better, on the same rows: does any of them pass?

    Returns
    -------
    tuple of bool
        At 5 % every time; at the level that the gate asks for at each use; with the rule on reuse too.
    """
    y, champion, one_more = draw_tries(Case("roc_auc", "equal", 0.1, CORRELATION), seed)
    metric = metric_named(Task.BINARY, "roc_auc")
    plain, corrected, whole = [], [], []
    for uses in range(TRIES):
        pair = (one_more(), champion)
        margin = Gate().margin
        plain.append(rules.is_better(paired_gain(metric, y, pair, tail=TAIL), margin))
        corrected.append(rules.is_better(paired_gain(metric, y, pair, tail=tail_after(uses)), margin))
        whole.append(corrected[-1] and rules.fresh(Gate(), uses).passed)
    return any(plain), any(corrected), any(whole)


def _row(case: Case, passed: int, pairs: int) -> Row:
    return {
        "metric": case.metric,
        "method": method_of(metric_named(Task.BINARY, case.metric)),
        "challenger": case.kind if case.kind != "better" else f"better by {BETTER:g} ROC AUC",
        "positives": case.positives,
        "correlation": case.correlation,
        "rows": ROWS,
        "champion_roc_auc": CHAMPION_AUC,
        "pairs": pairs,
        "passed": passed,
        "pass_rate": passed / pairs,
        "interval": interval(passed, pairs),
    }


def _reused_rows(any_passed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[Row]:
    ways = ("at 5 % each time", "at 5 % / (uses + 1)", "so, and refused after 5 uses (the gate)")
    families = len(any_passed)
    return [
        {
            "metric": "roc_auc",
            "method": way,
            "challenger": f"any of {TRIES} equal ones on the same rows",
            "positives": 0.1,
            "correlation": CORRELATION,
            "rows": ROWS,
            "champion_roc_auc": CHAMPION_AUC,
            "pairs": families,
            "passed": int(passed),
            "pass_rate": float(passed) / families,
            "interval": interval(int(passed), families),
        }
        for way, passed in zip(ways, any_passed.sum(axis=0), strict=True)
    ]


def interval(times: int, out_of: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate (Clopper and Pearson)."""
    from scipy.stats import binomtest

    found = binomtest(times, out_of).proportion_ci(0.95)
    return float(found.low), float(found.high)


def _goals(rows: Sequence[Row]) -> list[dict[str, object]]:
    goals = [_rare(rows, metric, kind) for metric in METRICS for kind in NO_BETTER]
    strong = [
        row
        for row in rows
        if str(row["challenger"]).startswith("better")
        and _number(row, "positives") >= POWER_FROM
        and row["correlation"] == CORRELATION
    ]
    goals += [_power(row) for row in strong]
    whole, most = rows[-1], sum(tail_after(uses) for uses in range(Gate().holdout_uses + 1))
    return [*goals, _bounded(f"any of {TRIES} tries on the same rows", [whole], most)]


def _rare(rows: Sequence[Row], metric: str, kind: str) -> dict[str, object]:
    return _bounded(
        f"{metric}, {kind}",
        [row for row in rows if row["challenger"] == kind and row["metric"] == metric],
        TAIL,
    )


def _bounded(what: str, rows: Sequence[Row], most: float) -> dict[str, object]:
    # A rate that is really 5 % is measured above 5 % every other time. The goal fails where the pairs show
    # that the rate is above its bound; the rate itself stands in the rows.
    times, out_of = (int(sum(_number(row, name) for row in rows)) for name in ("passed", "pairs"))
    low, _ = interval(times, out_of)
    return {
        "goal": f"passed though no better ({what}): {times / out_of:.2%} of {out_of}; lower end of the 95 % "
        f"interval at most {most:.3g}",
        "value": low,
        "bound": most,
        "met": low <= most,
    }


def _power(row: Row) -> dict[str, object]:
    rate = _number(row, "pass_rate")
    return {
        "goal": f"passed of those better by {BETTER:g} ROC AUC at {ROWS:,} rows ({row['metric']}, "
        f"{_number(row, 'positives'):.0%} positives, correlation {CORRELATION:g}) at least 0.8",
        "value": rate,
        "bound": 0.8,
        "met": rate >= 0.8,
    }


def _number(row: Row, name: str) -> float:
    return float(str(row[name]))
