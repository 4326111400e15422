"""Other people came, or the same ones changed: two things, and both can be told."""

from __future__ import annotations

import numpy as np
import pytest

from estate.core.frame import Frame
from monitoring.drift import Shift, drift_findings, find_shifts
from monitoring.mix import explain_by_mix, mix_columns
from monitoring.mix_findings import mix_findings
from monitoring.window import Window

BUDGETS = {"portal": 12.0, "web": 12.6, "phone": 13.2, "social": 11.4}


def _desk(
    rows: int, seed: int, shares: dict[str, float], *, richer: float = 0.0, flatter: float = 0.0
) -> Window:
    """Leads whose budget and score depend on where they come from."""
    random = np.random.default_rng(seed)
    names = np.array(list(shares), dtype=object)
    source = random.choice(names, rows, p=list(shares.values()))
    middle = np.array([BUDGETS[name] for name in source])
    budget = np.exp(random.normal(middle + richer, 0.4))
    scores = 1 / (1 + np.exp(-(1 - flatter) * (np.log(budget) - 12.6) - random.normal(0, 0.5, rows)))
    month = np.repeat(np.array(["may", "june"], dtype=object), -(-rows // 2))[:rows]
    return Window(Frame({"budget_usd": budget, "source": source, "month": month}, rows), scores)


USUAL = {"portal": 0.5, "web": 0.3, "phone": 0.2}
OTHER = {"portal": 0.2, "web": 0.3, "phone": 0.5}
NEW = {"portal": 0.35, "web": 0.21, "phone": 0.14, "social": 0.3}
REFERENCE = _desk(3000, 0, USUAL)


def _explained(window: Window) -> dict[str | None, Shift]:
    shifts = explain_by_mix(REFERENCE, window, find_shifts(REFERENCE, window))
    return {shift.column: shift for shift in shifts}


def test_traffic_is_told_apart_by_what_changes_from_row_to_row() -> None:
    assert mix_columns(REFERENCE) == ("source",)


def test_a_shifted_mix_explains_what_follows_from_it() -> None:
    window = _desk(400, 1, OTHER)
    found = _explained(window)
    assert {name: s.explained_by for name, s in found.items() if s.drifted} == {
        "budget_usd": "source",
        "source": "source",
        None: "source",
    }
    assert drift_findings(tuple(found.values())) == ()
    (finding,) = mix_findings(REFERENCE, window, tuple(found.values()))
    assert (finding.code, finding.column) == ("MON211", "source")
    assert finding.sentence.endswith("; that explains why `budget_usd`, the scores moved")


def test_a_shift_within_the_sources_stays_real_beside_a_shifted_mix() -> None:
    found = _explained(_desk(400, 1, OTHER, richer=0.4))
    assert found["budget_usd"].real
    assert found["source"].explained_by == "source"
    assert "MON201" in {finding.code for finding in drift_findings(tuple(found.values()))}


def test_a_shift_without_any_change_of_the_mix_is_real() -> None:
    found = _explained(_desk(400, 1, USUAL, richer=0.4))
    assert found["budget_usd"].real
    assert not found["source"].drifted


def test_a_new_source_is_named_and_the_rest_judged_without_it() -> None:
    window = _desk(400, 1, NEW)
    found = _explained(window)
    assert not [name for name, shift in found.items() if shift.real]
    (finding,) = mix_findings(REFERENCE, window, tuple(found.values()))
    assert finding.code == "MON212"
    assert finding.sentence.startswith("`source` has levels that training never saw: social ")


def test_a_new_source_does_not_hide_that_the_others_moved() -> None:
    assert _explained(_desk(400, 1, NEW, richer=0.5))["budget_usd"].real


@pytest.mark.thorough
def test_a_mix_that_only_shifts_is_never_called_real() -> None:
    # 60 passes at 1 %: 5 or more have a chance of 1 in 3,000.
    wrong = sum(any(s.real for s in _explained(_desk(200, seed, OTHER)).values()) for seed in range(100, 160))
    assert wrong <= 4
