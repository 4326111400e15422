"""Calibration of scores that say nothing: the rate is left, and nothing else."""

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
