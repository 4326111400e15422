"""Far out in the tail, where no draw lies, shares stay on the careful side and of the right size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from monitoring.tail import quantile_far_out, share_far_out


@pytest.mark.parametrize("freedom", [1, 3, 12])
@pytest.mark.parametrize("level", [1e-4, 1e-6])
def test_sums_of_squares(freedom: int, level: float) -> None:
    draws = np.random.default_rng(freedom).chisquare(freedom, 20_000)
    value = float(chi2.isf(level, freedom))
    assert 0.4 * level <= share_far_out(draws, value) <= 12 * level
    assert quantile_far_out(draws, level) == pytest.approx(value, rel=0.15)


def test_draws_that_are_all_the_same_have_no_tail() -> None:
    draws = np.zeros(1000)
    assert share_far_out(draws, 0.0) == 1.0
    assert share_far_out(draws, 1.0) == pytest.approx(1 / 1001)
    assert quantile_far_out(draws, 1e-6) == 0.0
