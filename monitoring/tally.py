"""Exact counts of a column, taken while its rows stream by: what the contract is held against.

A column that is absent, a value that is missing and a value of another type are three things here;
for the drift tests, which come after the contract, all three are missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from estate.core.frame import Categories, Column, Numbers, category_text
from estate.store.watched_rows import Values

MOST_UNSEEN = 1_000
"""Levels never seen in training that are counted one by one; the rest are counted together."""


@dataclass(frozen=True)
class Known:
    """What training knew of a column.

    Parameters
    ----------
    number : bool
        Whether it is a number, else a category.
    low, high : float
        Numbers: beyond these a value is out of range.
    levels : frozenset of str
        Categories: every level of the training reference.
    """

    number: bool
    low: float = -np.inf
    high: float = np.inf
    levels: frozenset[str] = frozenset()


@dataclass
class Tally:
    """Counts of one column; grows with every part.

    Parameters
    ----------
    rows, absent, missing : int
        All rows; those whose prediction has no such column; those with the column but no value.
    given : int
        Values of the right type.
    wrong : int
        Text that is no number in a number column; numbers that are no known level in a category.
    text_numbers : int
        Numbers that were written as text.
    outside : int
        Numbers out of range.
    low, high : float
        Smallest and largest number.
    unseen : Counter of str
        Levels that training never saw.
    unseen_rest : int
        Rows of such levels beyond the first thousand of them.
    """

    known: Known
    rows: int = 0
    absent: int = 0
    missing: int = 0
    given: int = 0
    wrong: int = 0
    text_numbers: int = 0
    outside: int = 0
    low: float = np.inf
    high: float = -np.inf
    unseen: Counter[str] = field(default_factory=Counter)
    unseen_rest: int = 0

    @property
    def other_type(self) -> int:
        """Rows of another type.

        Where some values of a column are text, numbers beside them were written as text in the same breath:
        then only what is no number counts.
        """
        return self.wrong or self.text_numbers

    def add(self, values: Values | Column | None, rows: int) -> Column:
        """Count some rows and return them as a clean column; None: the column is absent from all of them."""
        self.rows += rows
        if values is None:
            self.absent += rows
            return np.full(rows, np.nan) if self.known.number else np.full(rows, None, dtype=object)
        array = isinstance(values, np.ndarray) and values.dtype != np.object_
        if self.known.number:
            return self._numbers(_as_floats(values) if array else self._parsed(values))
        return self._levels(self._texts(values) if array else self._named(values))

    def _numbers(self, values: Numbers) -> Numbers:
        there = ~np.isnan(values)
        count = int(there.sum())
        self.given += count
        self.missing += len(values) - count
        if count:
            self.low, self.high = (
                min(self.low, float(np.nanmin(values))),
                max(self.high, float(np.nanmax(values))),
            )
            self.outside += int(((values < self.known.low) | (values > self.known.high)).sum())
        return values

    def _parsed(self, values: Sequence[object] | Column) -> Numbers:
        made = np.full(len(values), np.nan)
        for i, value in enumerate(values):
            if isinstance(value, str):
                parsed = _number(value)
                wrong = parsed is None
                self.wrong += wrong
                self.text_numbers += not wrong
                self.missing -= wrong  # it will be counted as missing, and is not
                made[i] = np.nan if parsed is None else parsed
            elif value is not None:
                made[i] = float(value)
        return _as_floats(made)

    def _texts(self, values: Values | Column) -> Categories:
        """Numbers in a category: they count as wrong unless they are known levels."""
        listed = [category_text(value) for value in np.asarray(values).tolist()]
        self.wrong += sum(value is not None and value not in self.known.levels for value in listed)
        return np.array(listed, dtype=object)

    def _named(self, values: Sequence[object] | Column) -> Categories:
        if all(value is None or isinstance(value, str) for value in values):
            return values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
        named = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            named[i] = value if isinstance(value, str) else category_text(value)
            self.wrong += (
                not isinstance(value, str) and named[i] is not None and named[i] not in self.known.levels
            )
        return named

    def _levels(self, values: Categories) -> Categories:
        import pandas as pd

        codes, levels = pd.factorize(values)
        counted = np.bincount(codes[codes >= 0], minlength=len(levels))
        self.given += int(counted.sum())
        self.missing += len(values) - int(counted.sum())
        for level, count in zip(levels, counted.tolist(), strict=True):
            if level in self.known.levels:
                continue
            if level in self.unseen or len(self.unseen) < MOST_UNSEEN:
                self.unseen[level] += count
            else:
                self.unseen_rest += count
        return values


def _as_floats(values: Values | Column) -> Numbers:
    floats = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(floats), floats, np.nan)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
