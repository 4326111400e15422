"""How good are the models: beside the truth on simulated desks, beside others on real tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from benchmarks.lead_models import real
from benchmarks.lead_models.real import AUC_BEHIND, Row
from benchmarks.lead_models.tables import CASES
from benchmarks.lead_models.world import Judged, judge

SEEDS = (1, 2, 3, 4, 5)
SIZES = ((150, 100.0), (365, 100.0))
"""Days of the desk as of which is trained, and leads a day."""
SECONDS = 600
RATIO, ECE, COVERAGE = "log loss over the best possible", "calibration error", "interval coverage"
RULES_AUC, RULES_GAIN = "AUC of the rules", "gain of the rules over the base rate"
_T = 2.776
"""0.975 quantile of Student's t with 4 degrees of freedom: the five desks give the interval."""


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: one small desk, one table on one fold, AutoML for three seconds."""
    seeds, sizes = ((1,), ((130, 40.0),)) if quick else (SEEDS, SIZES)
    simulated = [_of_desks(seeds, days, leads) for days, leads in sizes]
    cases = [case for case in CASES if not quick or case.table == "telco churn"]
    tables = _told(real.rows(cases, seconds=3 if quick else SECONDS, folds=1 if quick else None))
    worlds = [row for rows in simulated for row in rows]
    goals = [] if quick else [*_world_goals(simulated[0]), *_table_goals(tables)]
    return {"rows": [*worlds, *tables], "goals": goals}


def _told(rows: Iterable[Row]) -> list[Row]:
    """Print each row as it comes: the whole takes an hour."""
    told = []
    for row in rows:
        print({name: value for name, value in row.items() if value is not None}, flush=True)
        told.append(row)
    return told


def _of_desks(seeds: Sequence[int], days: int, leads: float) -> list[Row]:
    judged = [one for seed in seeds for one in judge(seed, days=days, leads_per_day=leads)]
    names = list(dict.fromkeys(one.model for one in judged))
    by_model = [[one for one in judged if one.model == name] for name in names]
    return _told(row for some in by_model for row in _rows(f"simulated, {days} days x {leads:.0f}", some))


def _rows(table: str, judged: Sequence[Judged]) -> Iterator[Row]:
    """Yield one row for each measure, over the desks."""
    head = {
        "table": table,
        "split": judged[0].model,
        "rows": round(float(np.mean([one.trained_on for one in judged]))),
        "test_rows": sum(one.leads for one in judged),
    }
    for measure, bound, values in (
        (RATIO, 1.02, [one.ratio for one in judged]),
        ("the same on labels", None, [one.realised_ratio for one in judged]),
        (ECE, 0.02, [one.calibration_error for one in judged]),
        (COVERAGE, 0.9, [one.held for one in judged]),
        (RULES_AUC, 0.5, [one.rules_auc for one in judged]),
        (RULES_GAIN, 0.0, [one.rules_gain for one in judged]),
    ):
        yield {**head, "metric": measure, **_over(values), "best_reference": bound}


def _over(values: Sequence[float]) -> Row:
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return {"ours": mean, "interval": None}
    off = _T * float(np.std(values, ddof=1)) / n**0.5
    return {"ours": mean, "interval": (mean - off, mean + off)}


def _world_goals(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        model, measure, value = row["split"], row["metric"], _number(row["ours"])
        match measure:
            case "log loss over the best possible" | "calibration error":
                bound = _number(row["best_reference"])
                yield _goal(f"{model}: {measure} at most {bound}", value, bound)
            case "interval coverage":
                yield _goal(f"{model}: {measure} off 0.9 by at most 0.015", abs(value - 0.9), 0.015)
            case "AUC of the rules" | "gain of the rules over the base rate":
                bound, low = _number(row["best_reference"]), _first(row["interval"])
                yield _goal(f"{model}: {measure}, lower end at least {bound}", low, bound, least=True)


def _table_goals(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        if "metric" not in row:
            continue
        name = f"{row['table']}, {row['split']}"
        value, bound = _number(row["ours"]), _number(row["best_reference"])
        if row["metric"] == "interval coverage":
            yield _goal(f"{name}: interval coverage off 0.9 by at most 0.015", abs(value - bound), 0.015)
            continue
        least = row["metric"] == "roc_auc"
        yield _goal(
            f"{name}: {row['metric']} {'at least' if least else 'at most'} the best reference's",
            value,
            bound,
            least=least,
        )
        if least and "behind_automl" in row:
            yield _goal(
                f"{name}: ROC AUC behind AutoML by at most {AUC_BEHIND}",
                _number(row["behind_automl"]),
                AUC_BEHIND,
            )


def _goal(goal: str, value: float, bound: float, *, least: bool = False) -> Row:
    return {"goal": goal, "value": value, "bound": bound, "met": value >= bound if least else value <= bound}


def _number(value: object) -> float:
    assert isinstance(value, float | int)
    return float(value)


def _first(value: object) -> float:
    assert isinstance(value, tuple)
    return _number(value[0])
