"""Calibration takes no more numbers than the rows speak for, and never turns the order round."""

from __future__ import annotations

import numpy as np
import pytest

from estate.training.calibration import BetaCalibration


def test_scores_that_order_the_wrong_way_round_leave_the_rate() -> None:
    random = np.random.default_rng(0)
    y = (random.random(2000) < 0.1).astype(np.float64)
    p = np.where(y == 1, 0.05, 0.2) + random.random(2000) * 0.05
    calibrated = BetaCalibration.fit(p, y).apply(p)
    assert calibrated == pytest.approx(np.full(2000, y.mean()))


def test_calibration_never_turns_the_order_round() -> None:
    random = np.random.default_rng(1)
    p = random.random(3000)
    y = (random.random(3000) < p**2).astype(np.float64)
    calibrated = BetaCalibration.fit(p, y).apply(np.sort(p))
    assert (np.diff(calibrated) >= 0).all()
    assert calibrated.mean() == pytest.approx(y.mean(), abs=0.01)


def test_calibrated_scores_stay_as_they_are() -> None:
    left_alone = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        p = random.beta(1, 8, 1500)
        y = (random.random(1500) < p).astype(np.float64)
        left_alone += BetaCalibration.fit(p, y) == BetaCalibration(1.0, 1.0, 0.0)
    assert left_alone >= 18


def test_other_odds_move_the_rate_alone() -> None:
    random = np.random.default_rng(2)
    p = random.beta(2, 6, 3000)
    odds = 3.0 * p / (1.0 - p)
    y = (random.random(3000) < odds / (1.0 + odds)).astype(np.float64)
    made = BetaCalibration.fit(p, y)
    assert (made.a, made.b) == (1.0, 1.0)
    assert made.c == pytest.approx(np.log(3.0), abs=0.15)
    assert made.apply(p).mean() == pytest.approx(y.mean())
