"""The desk's own clock: it runs fast in busy hours and slowly at night.

Whatever happens evenly on this clock happens with the pattern of weekdays and hours on the wall, and never
before its cause.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from estate.core.frame import Numbers
from estate.datasets.world.world import HOUR, Micros

_WEEKDAY = np.array(
    [2, 1, 1, 1, 1, 2, 6, 12, 20, 24, 24, 20, 18, 18, 18, 18, 20, 24, 30, 34, 34, 26, 14, 6.0]
)
_WEEKEND = np.array([3, 2, 1, 1, 1, 1, 3, 6, 12, 20, 26, 28, 26, 24, 22, 20, 18, 16, 16, 16, 16, 14, 10, 5.0])
_WEEK_HOURS = 168


class ActivityClock:
    """Turns times of the world into activity and back; seven days of either are seven of the other.

    Parameters
    ----------
    start : date
        First day of the world: tells which day of the week it is.

    Examples
    --------
    >>> clock = ActivityClock(date(2026, 1, 5))
    >>> noon = np.array([12 * HOUR])
    >>> bool(clock.wall(clock.activity(noon))[0] == noon[0])
    True
    """

    def __init__(self, start: date) -> None:
        hours = np.concatenate([_WEEKDAY] * 5 + [_WEEKEND * 0.8] * 2)
        hours = np.roll(hours, -24 * start.weekday())
        self._edges = np.arange(_WEEK_HOURS + 1, dtype=np.float64)
        self._sums = np.concatenate([[0.0], np.cumsum(hours / hours.mean())])

    def activity(self, times: Micros) -> Numbers:
        """Return activity hours since the beginning."""
        weeks, rest = np.divmod(times / HOUR, _WEEK_HOURS)
        return np.asarray(weeks * _WEEK_HOURS + np.interp(rest, self._edges, self._sums))

    def wall(self, activity: Numbers) -> Micros:
        """Return the time at which so much activity has passed."""
        weeks, rest = np.divmod(activity, _WEEK_HOURS)
        hours = weeks * _WEEK_HOURS + np.interp(rest, self._sums, self._edges)
        return np.rint(hours * HOUR).astype(np.int64)
