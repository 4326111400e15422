"""Local time of leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from estate.core.frame import Column
from estate.features.events import Micros

_STEP_US = 1_800_000_000
"""Clocks change at half hours of UTC."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local(times: Micros, zones: Column) -> Micros:
    """Return what the clocks of each time's zone show, as microseconds since 1970 of that clock.

    Parameters
    ----------
    times : int64 array of shape (n,)
        Microseconds since 1970, UTC.
    zones : object array of shape (n,)
        IANA names such as "America/New_York"; what is missing or unknown counts as UTC.

    Examples
    --------
    >>> noon = np.array([1_767_614_400_000_000, 1_783_252_800_000_000])  # 5 January, 5 July 2026, 12:00 UTC
    >>> clock = local(noon, np.array(["America/New_York", "America/New_York"], dtype=object))
    >>> (clock // 3_600_000_000 % 24).tolist()
    [7, 8]
    """
    shown = times.copy()
    if all(name is None for name in zones.tolist()):
        return shown
    for name in {name for name in zones.tolist() if name is not None}:
        here = np.flatnonzero(zones == name)
        steps, back = np.unique(times[here] // _STEP_US, return_inverse=True)
        offsets = np.array([_offset_us(name, step) for step in steps.tolist()], dtype=np.int64)
        shown[here] += offsets[back]
    return shown


@lru_cache(maxsize=65_536)
def _offset_us(name: str, step: int) -> int:
    try:
        moment = _EPOCH + timedelta(microseconds=step * _STEP_US)
        offset = moment.astimezone(ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return 0
    return (offset or timedelta()) // timedelta(microseconds=1)
