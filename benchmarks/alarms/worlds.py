"""Rows without drift, and one column of them with a shift of a stated size.

Three worlds: numbers only (8 continuous, normal and lognormal, and 4 counts; two of the 12 with 10 %
missing), categories only (12, of 2 to 9 levels), and half of each. Rows are independent, columns too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from estate.core.frame import Column, Frame, Numbers
from monitoring.window import Window

REFERENCE_ROWS = 5_000
WINDOWS = (25, 50, 100, 200, 500, 1000, 5000)
WORLDS = ("numbers", "categories", "mixed")
NUMBERS = ("normal_0", "skewed_1", "normal_2", "skewed_3", "normal_4", "skewed_5", "normal_6", "skewed_7")
COUNTS = ("count_0", "count_1", "count_2", "count_3")
MISSING = {"normal_0", "count_0"}
LEVELS = {f"kind_{i}": 2 + i % 8 for i in range(12)}


@dataclass(frozen=True)
class Shift:
    """What happens to one column.

    Parameters
    ----------
    kind : {"mean", "spread", "share"}
    column : str
    size : float
        Standard deviations that the mean rises; factor of the spread; rise of the first level's share.
    """

    kind: str
    column: str
    size: float

    @property
    def said(self) -> str:
        """The shift in words."""
        match self.kind:
            case "mean":
                return f"mean up {self.size:.2f} sd"
            case "spread":
                return f"spread x {self.size:.2f}"
            case _:
                return f"a share up {100 * self.size:.1f} points"


def columns_of(world: str) -> tuple[str, ...]:
    """Return the names of a world's columns."""
    numbers, categories = (*NUMBERS, *COUNTS), tuple(LEVELS)
    match world:
        case "numbers":
            return numbers
        case "categories":
            return categories
        case _:
            return (*NUMBERS[:4], *COUNTS[:2], *categories[2:8])


def shifts_of(world: str, window: int) -> Iterator[Shift]:
    """Yield shifts that a window of this size sees sometimes: they shrink as it grows."""
    effective = window * REFERENCE_ROWS / (window + REFERENCE_ROWS)
    if world != "categories":
        yield Shift("mean", "normal_2", round(3.8 / sqrt(effective), 2))
        yield Shift("spread", "normal_2", round(exp(5 / sqrt(2 * effective)), 2))
    if world != "numbers":
        share = _weights("kind_2")[0]
        yield Shift("share", "kind_2", round(4 * sqrt(share * (1 - share) / effective), 3))


def draw(world: str, rows: int, seed: int) -> Window:
    """Draw rows without drift."""
    random = np.random.default_rng([WORLDS.index(world), rows, seed])
    columns: dict[str, Column] = {name: _column(name, rows, random) for name in columns_of(world)}
    return Window(Frame(columns, rows), random.beta(2, 6, rows))


def shifted(shift: Shift, rows: int, seed: int) -> Column:
    """Draw one column with its shift."""
    random = np.random.default_rng([99, rows, seed])
    if shift.kind == "share":
        values = _column(shift.column, rows, random)
        share = _weights(shift.column)[0]
        # Rows of the other levels turn into the first so often that its share rises by the size.
        turned = (values != "level_0") & (random.random(rows) < shift.size / (1 - share))
        return np.where(turned, "level_0", values)
    values = random.normal(size=rows)
    moved: Numbers = values + shift.size if shift.kind == "mean" else values * shift.size
    return moved


def _column(name: str, rows: int, random: np.random.Generator) -> Column:
    kind, number = name.split("_")
    if kind == "kind":
        levels = np.array([f"level_{i}" for i in range(LEVELS[name])], dtype=object)
        return random.choice(levels, rows, p=_weights(name))
    values: Numbers
    match kind:
        case "normal":
            values = random.normal(size=rows)
        case "skewed":
            values = random.lognormal(0, 0.6, rows)
        case _:
            values = random.poisson(1 + int(number), rows).astype(np.float64)
    if name in MISSING:
        values[random.random(rows) < 0.1] = np.nan
    return values


def _weights(name: str) -> Numbers:
    weights = 1.0 / np.arange(1, LEVELS[name] + 1)
    shares: Numbers = weights / weights.sum()
    return shares
