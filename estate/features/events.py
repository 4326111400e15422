"""Events of many leads in one set of columns, each lead's in time order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers
from estate.features.texts import Coded

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
        Numbers, NaN is missing.
    texts : mapping of str to Coded
    """

    leads: int
    lead: NDArray[np.int64]
    age: Micros
    columns: Mapping[str, Column]
    texts: Mapping[str, Coded] = field(default_factory=dict)
    _kept: dict[tuple[object, ...], Column] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.age)

    def __getitem__(self, name: str) -> Column:
        return self.texts[name].values if name in self.texts else self.columns[name]

    def part(self, first: int, last: int) -> Events:
        """Return the events of the leads from one position to before another; nothing is copied."""
        start, end = np.searchsorted(self.lead, (first, last))
        return Events(
            last - first,
            self.lead[start:end] - first,
            self.age[start:end],
            {name: values[start:end] for name, values in self.columns.items()},
            {name: Coded(coded.names, coded.codes[start:end]) for name, coded in self.texts.items()},
        )

    def within(self, days: float, *, before: float = 0.0) -> Mask:
        """Return which events are at most so many days old; with ``before``, and more than that many."""

        def made() -> Mask:
            young = self.age <= int(days * DAY_US)
            return young & (self.age > int(before * DAY_US)) if before else young

        return self.once(("within", days, before), made)

    def is_(self, name: str, *values: str) -> Mask:
        """Return which events have one of the values in a column of texts."""
        return self.once(("is", name, *values), lambda: self.texts[name].among(*values))

    def count(self, where: Mask) -> Numbers:
        """Count events of each lead; shape (n,)."""
        if self.leads == 1:  # a lead that is scored now: no need to ask whose an event is
            return np.array([np.count_nonzero(where)], dtype=np.float64)
        return np.bincount(self.lead[where], minlength=self.leads).astype(np.float64)

    def total(self, values: Column, where: Mask) -> Numbers:
        """Sum values over events of each lead, missing ones left out; shape (n,)."""
        return self._sum(values, where & ~np.isnan(values))

    def mean(self, values: Column, where: Mask) -> Numbers:
        """Average values over events of each lead; NaN where there is none; shape (n,)."""
        known = where & ~np.isnan(values)
        return divide(self._sum(values, known), self.count(known))

    def deviation(self, values: Column, where: Mask) -> Numbers:
        """Standard deviation over events of each lead; NaN where there are fewer than two; shape (n,)."""
        known = where & ~np.isnan(values)
        count = self.count(known)
        off = values - self.mean(values, known)[self.lead]
        squares = self.total(off * off, known)
        return np.sqrt(divide(squares, np.where(count > 1, count - 1.0, 0.0)))

    def largest(self, values: Column, where: Mask) -> Numbers:
        """Largest value over events of each lead; NaN where there is none; shape (n,)."""
        known = where & ~np.isnan(values)
        if self.leads == 1:
            found = values[known].max(initial=-np.inf)
            return np.array([found if found > -np.inf else math.nan])
        found = np.full(self.leads, -np.inf)
        np.maximum.at(found, self.lead[known], values[known])
        return np.where(np.isneginf(found), np.nan, found)

    def smallest(self, values: Column, where: Mask) -> Numbers:
        """Smallest value over events of each lead; NaN where there is none; shape (n,)."""
        return -self.largest(-values, where)

    def last(self, values: Column, where: Mask) -> Numbers:
        """Value of the newest event of each lead that has one; NaN where there is none; shape (n,)."""
        return self._newest(values, where & ~np.isnan(values))

    def days_since_last(self, where: Mask) -> Numbers:
        """Return days from the newest event to ``as_of``; NaN where there is none; shape (n,)."""
        return self._newest(self.age, where) / DAY_US

    def days_since_first(self, where: Mask) -> Numbers:
        """Return days from the oldest event to ``as_of``; NaN where there is none; shape (n,)."""
        oldest = np.full(self.leads, np.nan)
        backwards = np.flatnonzero(where)[::-1]
        oldest[self.lead[backwards]] = self.age[backwards] / DAY_US
        return oldest

    def different(self, name: str, where: Mask) -> Numbers:
        """Count different texts of each lead, missing ones left out; shape (n,)."""
        lead, _ = self._repeats(name, where)
        return np.bincount(lead, minlength=self.leads).astype(np.float64)

    def most_repeated(self, name: str, where: Mask) -> Numbers:
        """Count events of the text that each lead has most often; 0 where there is none; shape (n,)."""
        lead, times = self._repeats(name, where)
        most = np.zeros(self.leads)
        np.maximum.at(most, lead, times.astype(np.float64))
        return most

    def repeated(self, name: str, where: Mask) -> Numbers:
        """Count texts that each lead has at least twice; shape (n,)."""
        lead, times = self._repeats(name, where)
        return np.bincount(lead[times > 1], minlength=self.leads).astype(np.float64)

    def active_days(self, where: Mask) -> Numbers:
        """Count different days, by whole days before ``as_of``, with an event; shape (n,)."""
        chosen = where.nonzero()[0]
        lead, day = self.lead[chosen], self.age[chosen] // DAY_US
        new = np.zeros(len(self), dtype=np.bool_)
        new[chosen[:1]] = True
        # in time order: equal days are neighbours
        new[chosen[1:]] = (lead[1:] != lead[:-1]) | (day[1:] != day[:-1])
        return self.count(new)

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

    def _sum(self, values: Column, known: Mask) -> Numbers:
        if not len(self.age):
            return np.zeros(self.leads)
        return np.bincount(self.lead[known], weights=values[known], minlength=self.leads).astype(np.float64)

    def _newest(self, values: Column, where: Mask) -> Numbers:
        newest = np.full(self.leads, np.nan)
        chosen = where.nonzero()[0]
        if self.leads == 1:
            newest[:] = values[chosen[-1]] if len(chosen) else np.nan
        else:
            newest[self.lead[chosen]] = values[chosen]  # in time order: the last one written is the newest
        return newest

    def once(self, which: tuple[object, ...], made: Callable[[], Column]) -> Column:
        """Return an array that many features ask for: made at the first time, and read-only from then on."""
        kept = self._kept.get(which)
        if kept is None:
            kept = self._kept[which] = made()
            kept.flags.writeable = False
        return kept

    def _repeats(self, name: str, where: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each pair of a lead and a text once: the lead, and how often it has the text."""
        coded = self.texts[name]
        known = where & (coded.codes >= 0)
        if self.leads == 1:
            times = np.bincount(coded.codes[known])
            times = times[times > 0]
            return np.zeros(len(times), dtype=np.int64), times
        pairs = self.lead[known] * (len(coded.names) + 1) + coded.codes[known]
        pair, times = np.unique(pairs, return_counts=True)
        return pair // (len(coded.names) + 1), times


def divide(part: Numbers, whole: Numbers) -> Numbers:
    """Divide, with NaN where the whole is 0 or unknown.

    Examples
    --------
    >>> divide(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    if len(part) == 1:  # a lead that is scored now: Python's own division has the same bits
        by = float(whole[0])
        return np.array([float(part[0]) / by if by else math.nan])
    quotient: Numbers = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
    return quotient
