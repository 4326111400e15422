"""What the replay was to show; written down before its first whole run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NEVER, MONTHLY, DRIFT = "never", "monthly", "on drift"
LATEST_RATE = "constant: rate of the latest 1,000"


def goals_of(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Judge the rows of a whole replay."""
    by_name = {str(row["retrained"]): row for row in rows}

    def value(name: str, metric: str) -> float:
        return float(str(by_name[name][metric]))

    loss = value(DRIFT, "log_loss")
    gain = value(DRIFT, "roc_auc") - value(NEVER, "roc_auc")
    order = value(DRIFT, "roc_auc_in_month") - value(NEVER, "roc_auc_in_month")
    return [
        _at_most("log loss on drift, relative to never retraining,", loss / value(NEVER, "log_loss"), 0.9),
        _at_least("ROC AUC on drift above never retraining", gain, 0.05),
        _at_least("ROC AUC in a month on drift above never retraining", order, 0.03),
        _at_most("log loss on drift, relative to monthly,", loss / value(MONTHLY, "log_loss"), 1.02),
        _at_most(
            f"log loss on drift, relative to the {LATEST_RATE},", loss / value(LATEST_RATE, "log_loss"), 1.0
        ),
        _at_most(
            "trainings on drift, relative to monthly,",
            value(DRIFT, "trainings") / value(MONTHLY, "trainings"),
            1.0,
        ),
    ]


def _at_most(what: str, value: float, bound: float) -> dict[str, object]:
    goal = f"{what} at most {bound:g}"
    return {"goal": goal, "value": round(value, 4), "bound": bound, "met": value <= bound}


def _at_least(what: str, value: float, bound: float) -> dict[str, object]:
    goal = f"{what} at least {bound:g}"
    return {"goal": goal, "value": round(value, 4), "bound": bound, "met": value >= bound}
