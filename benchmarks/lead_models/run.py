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
    return _told(_row(days, leads, [one for one in judged if one.model == name]) for name in names)


def _row(days: int, leads: float, judged: Sequence[Judged]) -> Row:
    def over(values: Sequence[float]) -> tuple[float, tuple[float, float]]:
        mean, n = float(np.mean(values)), len(values)
        off = _T * float(np.std(values, ddof=1)) / n**0.5 if n > 1 else float("nan")
        return mean, (mean - off, mean + off)

    ratio, interval = over([one.ratio for one in judged])
    held, held_interval = over([one.held for one in judged])
    auc, auc_interval = over([one.rules_auc for one in judged])
    return {
        "table": f"simulated, {days} days x {leads:.0f} leads",
        "model": judged[0].model,
        "desks": len(judged),
        "train_rows": round(float(np.mean([one.trained_on for one in judged]))),
        "later_leads": sum(one.leads for one in judged),
        "log_loss_over_best": ratio,
        "interval": interval,
        "realised": float(np.mean([one.realised_ratio for one in judged])),
        "ece": float(np.mean([one.calibration_error for one in judged])),
        "coverage": held,
        "coverage_interval": held_interval,
        "rules_auc": auc,
        "rules_auc_interval": auc_interval,
        "rules_gain": min(one.rules_gain for one in judged),
    }


def _world_goals(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        model, ratio, ece = row["model"], _number(row["log_loss_over_best"]), _number(row["ece"])
        off = abs(_number(row["coverage"]) - 0.9)
        low = _first(row["rules_auc_interval"])
        yield _goal(f"{model}: log loss over the best possible at most 1.02", ratio, 1.02)
        yield _goal(f"{model}: calibration error at most 0.02", ece, 0.02)
        yield _goal(f"{model}: interval coverage off 0.9 by at most 0.015", off, 0.015)
        yield _goal(f"{model}: rules' AUC, lower end, at least 0.5", low, 0.5, least=True)
        gain = _number(row["rules_gain"])
        yield _goal(f"{model}: rules' gain over the base rate, worst desk, at least 0", gain, 0.0, least=True)


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
