"""A column that never stands still is not called drift for going on."""

import numpy as np

from estate.core.frame import Frame, Numbers
from monitoring.drift import find_shifts
from monitoring.window import Window


def sample(steady: Numbers, walking: Numbers) -> Window:
    rows = len(steady)
    return Window(Frame({"steady": steady, "walking": walking}, rows), np.random.default_rng(5).random(rows))


def test_the_walk_goes_on_quietly_and_a_step_of_a_steady_column_is_seen() -> None:
    random = np.random.default_rng(0)
    walk = np.cumsum(random.normal(size=3300))
    reference = sample(random.normal(size=3000), walk[:3000])
    quiet = find_shifts(reference, sample(random.normal(size=300), walk[3000:]))
    assert not [shift.column for shift in quiet if shift.drifted]
    moved = find_shifts(reference, sample(random.normal(1.0, size=300), walk[3000:]))
    assert [shift.column for shift in moved if shift.drifted] == ["steady"]
