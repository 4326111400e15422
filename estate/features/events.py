"""Events of many leads in one set of columns, each lead's in time order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers

DAY_US = 86_400_000_000
"""Microseconds in a day."""

Mask = NDArray[np.bool_]
Micros = NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """Events of n leads, sorted by lead and then by time; only what was known at each lead's ``as_of``.

    Every total is added up in time order within its own lead, so a lead alone gives the same bits as among
    a million others.

    Parameters
    ----------
    leads : int
        How many leads there are (n); some may have no event.
    lead : int64 array of shape (events,)
        Position of the event's lead, from 0 to n - 1.
    age : int64 array of shape (events,)
        Microseconds from the event to its lead's ``as_of``; never negative.
    columns : mapping of str to array of shape (events,)
    """

    leads: int
    lead: NDArray[np.int64]
    age: Micros
    columns: dict[str, Column]

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def within(self, days: float) -> Mask:
        """Return which events are at most so many days old."""
        return self.age <= int(days * DAY_US)

    def is_(self, name: str, *values: str) -> Mask:
        """Return which events have one of the values in a column."""
        return (
            np.isin(self.columns[name].astype(str), values) if len(self.age) else np.zeros(0, dtype=np.bool_)
        )

    def count(self, where: Mask) -> Numbers:
        """Count events of each lead; shape (n,)."""
        return np.bincount(self.lead[where], minlength=self.leads).astype(np.float64)

    def total(self, values: Column, where: Mask) -> Numbers:
        """Sum values over events of each lead, missing ones left out; shape (n,)."""
        known = where & ~np.isnan(values)
        return np.bincount(self.lead[known], weights=values[known], minlength=self.leads).astype(np.float64)

    def mean(self, values: Column, where: Mask) -> Numbers:
        """Average values over events of each lead; NaN where there is none; shape (n,)."""
        known = where & ~np.isnan(values)
        return divide(self.total(values, known), self.count(known))

    def days_since_last(self, where: Mask) -> Numbers:
        """Return days from the newest event to ``as_of``; NaN where there is none; shape (n,)."""
        newest = np.full(self.leads, np.nan)
        newest[self.lead[where]] = (
            self.age[where] / DAY_US
        )  # in time order: the last one written is the newest
        return newest

    def days_since_first(self, where: Mask) -> Numbers:
        """Return days from the oldest event to ``as_of``; NaN where there is none; shape (n,)."""
        oldest = np.full(self.leads, np.nan)
        backwards = np.flatnonzero(where)[::-1]
        oldest[self.lead[backwards]] = self.age[backwards] / DAY_US
        return oldest

    def active_days(self, where: Mask) -> Numbers:
        """Count different days, by whole days before ``as_of``, with an event; shape (n,)."""
        pairs = np.stack([self.lead[where], self.age[where] // DAY_US])
        return np.bincount(np.unique(pairs, axis=1)[0], minlength=self.leads).astype(np.float64)

    def hours_to_next(self, where: Mask, answer: Mask) -> Numbers:
        """Return hours from each chosen event to the lead's next answering one; shape (events,), else NaN."""
        hours = np.full(len(self.age), np.nan)
        asked, answers = np.flatnonzero(where), np.flatnonzero(answer)
        following = np.searchsorted(answers, asked, side="right")
        asked, following = asked[following < len(answers)], following[following < len(answers)]
        found = answers[following]
        same = self.lead[found] == self.lead[asked]
        hours[asked[same]] = (self.age[asked[same]] - self.age[found[same]]) / (DAY_US / 24)
        return hours


def divide(part: Numbers, whole: Numbers) -> Numbers:
    """Divide, with NaN where the whole is 0 or unknown.

    Examples
    --------
    >>> divide(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    quotient: Numbers = np.divide(
        part, whole, out=np.full(len(part), np.nan), where=np.nan_to_num(whole) != 0
    )
    return quotient
