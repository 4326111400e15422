"""What a quiet pass says it would have seen, it does see, in about four of five windows."""

from __future__ import annotations

import numpy as np
import pytest

from estate.core.frame import Frame
from monitoring.drift import find_shifts
from monitoring.visible import sentence_of
from monitoring.window import Window

LEVELS = np.array(["a", "b", "c", "d"], dtype=object)
SHARES = np.array([0.5, 0.25, 0.15, 0.1])
RATE = 0.01


def _numbers(rows: int, seed: int, shift: float) -> Window:
    random = np.random.default_rng(seed)
    return Window(Frame({"x": random.normal(shift, 1, rows)}, rows), random.random(rows))


def _categories(rows: int, seed: int, moved: float) -> Window:
    random = np.random.default_rng(seed)
    shares = SHARES * (1 - moved)
    shares[1] += moved
    return Window(Frame({"x": random.choice(LEVELS, rows, p=shares)}, rows), random.random(rows))


@pytest.mark.parametrize("rows", [50, 300, 3000])
def test_the_stated_shift_of_a_number_is_seen(rows: int) -> None:
    stated = find_shifts(_numbers(3000, 0, 0), _numbers(rows, 1, 0), alarm_rate=RATE)[0].smallest_visible_sd
    assert stated is not None
    seen = [
        find_shifts(_numbers(3000, 2 * i, 0), _numbers(rows, 2 * i + 1, stated), alarm_rate=RATE)[0].drifted
        for i in range(60)
    ]
    assert 0.62 <= np.mean(seen) <= 0.97


@pytest.mark.parametrize("rows", [50, 300])
def test_the_stated_shift_of_a_category_is_seen(rows: int) -> None:
    stated = find_shifts(_categories(3000, 0, 0), _categories(rows, 1, 0), alarm_rate=RATE)[0]
    assert stated.smallest_visible_sd is None
    moved = stated.smallest_visible / (1 - SHARES[1])
    seen = [
        find_shifts(_categories(3000, 2 * i, 0), _categories(rows, 2 * i + 1, moved), alarm_rate=RATE)[
            0
        ].drifted
        for i in range(60)
    ]
    assert 0.62 <= np.mean(seen) <= 0.97


def test_more_rows_see_smaller_shifts_and_say_so() -> None:
    small, large = (find_shifts(_numbers(3000, 0, 0), _numbers(rows, 1, 0)) for rows in (50, 1000))
    assert large[0].smallest_visible < small[0].smallest_visible
    assert sentence_of(small, 50).startswith("50 rows show a number that moves by 0.")
