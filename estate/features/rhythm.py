"""How regularly a lead does something: gaps between events, and days in a row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.features.events import DAY_US, Events, Mask


def gap_days(events: Events, where: Mask) -> Numbers:
    """Return days from the lead's chosen event before to each chosen one; shape (events,), else NaN.

    Examples
    --------
    >>> day = np.array([9, 4, 3, 7], dtype=np.int64) * DAY_US
    >>> events = Events(2, np.array([0, 0, 0, 1]), day, {})
    >>> gap_days(events, events.age >= 0).tolist()
    [nan, 5.0, 1.0, nan]
    """
    gaps = np.full(len(events), np.nan)
    chosen = np.flatnonzero(where)
    later, earlier = chosen[1:], chosen[:-1]
    same = events.lead[later] == events.lead[earlier]
    gaps[later[same]] = (events.age[earlier[same]] - events.age[later[same]]) / DAY_US
    return gaps


def longest_streak(events: Events, where: Mask) -> Numbers:
    """Return the most days in a row, by whole days before ``as_of``, with a chosen event; shape (n,).

    Examples
    --------
    >>> day = np.array([9, 8, 8, 3, 7], dtype=np.int64) * DAY_US
    >>> events = Events(3, np.array([0, 0, 0, 0, 1]), day, {})
    >>> longest_streak(events, events.age >= 0).tolist()
    [2.0, 1.0, 0.0]
    """
    longest = np.zeros(events.leads)
    lead, length = _streaks(events, where)
    np.maximum.at(longest, lead, length.astype(np.float64))
    return longest


def last_streak(events: Events, where: Mask) -> Numbers:
    """Return how many days in a row ended with the newest chosen event; shape (n,)."""
    newest = np.zeros(events.leads)
    lead, length = _streaks(events, where)
    newest[lead] = length  # in time order: the last one written is the newest
    return newest


def _streaks(events: Events, where: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lead and number of days of each streak, oldest first."""
    lead, day = events.lead[where], events.age[where] // DAY_US
    new_lead = np.ones(len(lead), dtype=np.bool_)
    new_lead[1:] = lead[1:] != lead[:-1]
    step = np.zeros(len(lead), dtype=np.int64)
    step[1:] = day[:-1] - day[1:]
    starts = np.flatnonzero(new_lead | (step > 1))
    if not len(starts):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    ends = np.append(starts[1:], len(lead)) - 1
    return lead[starts], day[starts] - day[ends] + 1
