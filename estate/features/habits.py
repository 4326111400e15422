"""The rhythm in which a lead acts: gaps, days in a row, times of the day, homes that it comes back to."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from estate.features.engagement import days_since_interaction
from estate.features.events import DAY_US, Mask, Micros, divide
from estate.features.histories import Histories
from estate.features.rhythm import gap_days, last_streak, longest_streak
from estate.features.zones import local

_HOUR_US = DAY_US // 24


def interaction_gap_days_mean(h: Histories) -> Numbers:
    """Mean days between two interactions; missing with fewer than two."""
    every = h.interactions.age >= 0
    return h.interactions.mean(_gaps(h), every)


def interaction_gap_days_max(h: Histories) -> Numbers:
    """Longest time between two interactions, in days; missing with fewer than two."""
    every = h.interactions.age >= 0
    return h.interactions.largest(_gaps(h), every)


def interaction_gap_days_deviation(h: Histories) -> Numbers:
    """Standard deviation of the days between two interactions; missing with fewer than three."""
    every = h.interactions.age >= 0
    return h.interactions.deviation(_gaps(h), every)


def reply_gap_days_mean(h: Histories) -> Numbers:
    """Mean days between two replies; missing with fewer than two."""
    replies = h.interactions.is_("kind", "reply")
    return h.interactions.mean(gap_days(h.interactions, replies), replies)


def silence_ratio(h: Histories) -> Numbers:
    """Days since the last interaction over the mean gap before; missing with fewer than two interactions."""
    return divide(days_since_interaction(h), interaction_gap_days_mean(h))


def active_streak_days_last(h: Histories) -> Numbers:
    """Days in a row with an interaction, up to the last one; 0 if there was none."""
    return last_streak(h.interactions, h.interactions.age >= 0)


def active_streak_days_max(h: Histories) -> Numbers:
    """Most days in a row with an interaction; 0 if there was none."""
    return longest_streak(h.interactions, h.interactions.age >= 0)


def active_days_count_30d(h: Histories) -> Numbers:
    """Days of the last 30 with any interaction."""
    return h.interactions.active_days(h.interactions.within(30))


def active_days_count(h: Histories) -> Numbers:
    """Days with any interaction so far."""
    return h.interactions.active_days(h.interactions.age >= 0)


def morning_share_21d(h: Histories) -> Numbers:
    """Share of the last 21 days' interactions before noon, local time; missing if there is none."""
    return _share(h, _local(h) // _HOUR_US % 24 < 12)


def evening_share_21d(h: Histories) -> Numbers:
    """Share of the last 21 days' interactions from 18 h on, local time; missing if there is none."""
    return _share(h, _local(h) // _HOUR_US % 24 >= 18)


def weekend_share_21d(h: Histories) -> Numbers:
    """Share of the last 21 days' interactions at weekends, local time; missing if there is none."""
    return _share(h, (_local(h) // DAY_US + 3) % 7 >= 5)  # 1 January 1970 was a Thursday


def homes_seen_count(h: Histories) -> Numbers:
    """Different homes that the lead has looked at."""
    return h.interactions.different("property_id", h.interactions.age >= 0)


def homes_seen_count_21d(h: Histories) -> Numbers:
    """Different homes that the lead looked at in the last 21 days."""
    return h.interactions.different("property_id", h.interactions.within(21))


def homes_seen_again_count(h: Histories) -> Numbers:
    """Homes that the lead has looked at more than once."""
    return h.interactions.repeated("property_id", h.interactions.age >= 0)


def favourite_home_count(h: Histories) -> Numbers:
    """How often the lead has looked at the home that it looked at most; 0 if at none."""
    return h.interactions.most_repeated("property_id", h.interactions.age >= 0)


def _gaps(h: Histories) -> Numbers:
    """Days between each interaction and the one before."""
    return h.interactions.once(("gaps",), lambda: gap_days(h.interactions, h.interactions.age >= 0))


def _local(h: Histories) -> Micros:
    """What the lead's clock showed at each interaction."""

    def made() -> Micros:
        lead, zones = h.interactions.lead, h.lead["time_zone"]
        times = h.as_of[lead] - h.interactions.age
        return times if all(name is None for name in zones.tolist()) else local(times, zones[lead])

    return h.interactions.once(("local",), made)


def _share(h: Histories, which: Mask) -> Numbers:
    young = h.interactions.within(21)
    return divide(h.interactions.count(np.asarray(which) & young), h.interactions.count(young))
