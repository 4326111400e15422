"""A world without drift, and ways to break it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from estate.core.frame import Column, Frame
from monitoring.window import Window

Sampler = Callable[..., Window]


def draw(rows: int, seed: int, **instead: Column) -> Window:
    """Rows of a lead desk: two numbers, a count with missing values, two categories."""
    rng = np.random.default_rng(seed)
    tours = rng.poisson(1.5, rows).astype(np.float64)
    tours[rng.random(rows) < 0.1] = np.nan
    columns: dict[str, Column] = {
        "budget_usd": rng.lognormal(12.5, 0.4, rows),
        "visits_count_7d": rng.poisson(2.0, rows).astype(np.float64),
        "tours_count_30d": tours,
        "source": rng.choice(np.array(["portal", "web", "referral", "phone"], dtype=object), rows),
        "area": rng.choice(np.array(["north", "south", None], dtype=object), rows),
    }
    return Window(Frame({**columns, **instead}, rows), rng.beta(2, 6, rows), {"f": rows})


@pytest.fixture(scope="session")
def sample() -> Sampler:
    """Draw so many rows from a seed; columns given by name replace the drawn ones."""
    return draw


@pytest.fixture(scope="session")
def reference() -> Window:
    """Two thousand rows to compare with."""
    return draw(2000, 0)
