"""When: the lead's age, the hour and weekday at which it came, the season."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from estate.features.events import DAY_US
from estate.features.histories import Histories
from estate.features.zones import local

_HOUR_US = 3_600_000_000
_YEAR_DAYS = 365.2425


def lead_age_days(h: Histories) -> Numbers:
    """Days since the lead came."""
    return (h.as_of - h.created) / DAY_US


def created_hour(h: Histories) -> Numbers:
    """Hour of the day at which the lead came, UTC; 0 to 23."""
    return (h.created // _HOUR_US % 24).astype(float)


def created_weekday(h: Histories) -> Numbers:
    """Weekday on which the lead came, UTC; Monday is 0."""
    return ((h.created // DAY_US + 3) % 7).astype(float)  # 1 January 1970 was a Thursday


def created_local_hour(h: Histories) -> Numbers:
    """Hour of the day at which the lead came, in its time zone; 0 to 23."""
    return (local(h.created, h.lead["time_zone"]) // _HOUR_US % 24).astype(float)


def created_local_weekday(h: Histories) -> Numbers:
    """Weekday on which the lead came, in its time zone; Monday is 0."""
    return ((local(h.created, h.lead["time_zone"]) // DAY_US + 3) % 7).astype(float)


def is_created_at_weekend(h: Histories) -> Numbers:
    """1 if the lead came on a Saturday or Sunday, in its time zone."""
    return (created_local_weekday(h) >= 5).astype(float)


def is_created_in_office_hours(h: Histories) -> Numbers:
    """1 if the lead came from Monday to Friday between 9 and 17 h, in its time zone."""
    hour = created_local_hour(h)
    return ((created_local_weekday(h) < 5) & (hour >= 9) & (hour < 17)).astype(float)


def local_weekday(h: Histories) -> Numbers:
    """Weekday as of which the lead is judged, in its time zone; Monday is 0."""
    return ((local(h.as_of, h.lead["time_zone"]) // DAY_US + 3) % 7).astype(float)


def season_sin(h: Histories) -> Numbers:
    """Sine of the time of the year, a full turn in 365.2425 days from 1 January; -1 to 1."""
    return np.sin(_turn(h))


def season_cos(h: Histories) -> Numbers:
    """Cosine of the time of the year, a full turn in 365.2425 days from 1 January; -1 to 1."""
    return np.cos(_turn(h))


def _turn(h: Histories) -> Numbers:
    return 2.0 * np.pi * (local(h.as_of, h.lead["time_zone"]) / DAY_US / _YEAR_DAYS % 1.0)
