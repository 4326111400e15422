"""When: the lead's age and the hour and weekday at which it came."""

from __future__ import annotations

from estate.core.frame import Numbers
from estate.features.events import DAY_US
from estate.features.histories import Histories

_HOUR_US = 3_600_000_000


def lead_age_days(h: Histories) -> Numbers:
    """Days since the lead came."""
    return (h.as_of - h.created) / DAY_US


def created_hour(h: Histories) -> Numbers:
    """Hour of the day at which the lead came, UTC; 0 to 23."""
    return (h.created // _HOUR_US % 24).astype(float)


def created_weekday(h: Histories) -> Numbers:
    """Weekday on which the lead came, UTC; Monday is 0."""
    return ((h.created // DAY_US + 3) % 7).astype(float)  # 1 January 1970 was a Thursday
