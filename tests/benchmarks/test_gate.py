"""The simulated pairs are what they claim to be, and a goal is judged by what the pairs show."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate.pairs import BETTER, CHAMPION_AUC, WORSE, Case, Kind, draw_pair
from benchmarks.gate.run import _bounded, count_passed, try_again
from estate.training.metrics import log_loss, roc_auc

DRAWN = 40


def gains(metric: str, kind: Kind) -> tuple[float, float]:
    """Return the mean gain over many pairs, and its standard error."""
    function, sign = (roc_auc, 1) if metric == "roc_auc" else (log_loss, -1)
    found = []
    for seed in range(DRAWN):
        y, (ours, theirs) = draw_pair(Case(metric, kind, 0.2, 0.8), seed)
        found.append(sign * (function(y, ours) - function(y, theirs)))
    return float(np.mean(found)), float(np.std(found) / np.sqrt(DRAWN))


@pytest.mark.parametrize(("kind", "gain"), [("better", BETTER), ("worse", -WORSE), ("equal", 0.0)])
def test_challengers_are_as_much_better_as_they_claim(kind: Kind, gain: float) -> None:
    mean, error = gains("roc_auc", kind)
    assert mean == pytest.approx(gain, abs=3.5 * error)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_one_of_another_shape_is_equal_in_its_metric_alone(metric: str) -> None:
    mean, error = gains(metric, "equal, of another shape")
    assert mean == pytest.approx(0.0, abs=3.5 * error)
    y, (ours, theirs) = draw_pair(Case(metric, "equal, of another shape", 0.2, 0.8), 0)
    other = log_loss if metric == "roc_auc" else roc_auc
    assert abs(other(y, ours) - other(y, theirs)) > 0.005


def test_the_champion_has_the_area_that_is_claimed() -> None:
    areas = []
    for seed in range(DRAWN):
        y, (_, champion) = draw_pair(Case("roc_auc", "identical", 0.2, 0.8), seed)
        areas.append(roc_auc(y, champion))
    assert np.mean(areas) == pytest.approx(CHAMPION_AUC, abs=0.005)


def test_twins_never_pass_and_much_better_ones_nearly_always() -> None:
    assert count_passed(Case("roc_auc", "identical", 0.2, 0.8), 0, 5) == 0
    assert count_passed(Case("roc_auc", "better", 0.5, 0.8), 0, 10) >= 9


def test_the_gate_is_never_easier_on_reused_rows() -> None:
    for seed in range(3):
        plain, corrected, whole = try_again(seed)
        assert plain >= corrected >= whole


def test_a_rate_above_its_bound_by_more_than_chance_is_not_met() -> None:
    def met(passed: int) -> object:
        return _bounded("made up", [{"passed": passed, "pairs": 1000}], 0.05)["met"]

    assert (met(50), met(60), met(80)) == (True, True, False)
