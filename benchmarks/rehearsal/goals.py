"""What a rehearsal is to show; written down before its first run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

OURS = "leadloop"
WITHIN = 1.01
TRAININGS = 0.5


def goals_of(recording: str, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Log loss within 1 % of the best way's, with at most half of that way's trainings."""
    others = [row for row in rows if row["retrained"] != OURS]
    ours = next(row for row in rows if row["retrained"] == OURS)
    best = min(others, key=lambda row: float(str(row["log_loss"])))
    loss = float(str(ours["log_loss"])) / float(str(best["log_loss"]))
    share = int(str(ours["trainings"])) / max(1, int(str(best["trainings"])))
    return [
        _at_most(
            f"{recording}: log loss, relative to the best of the others ({best['retrained']}),", loss, WITHIN
        ),
        _at_most(f"{recording}: trainings, relative to that one's,", share, TRAININGS),
    ]


def _at_most(what: str, value: float, bound: float) -> dict[str, object]:
    goal = f"{what} at most {bound:g}"
    return {"goal": goal, "value": round(value, 4), "bound": bound, "met": value <= bound}
