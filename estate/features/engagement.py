"""How much a lead does, of what, and how lately."""

from __future__ import annotations

from estate.core.frame import Numbers
from estate.features.events import DAY_US, divide
from estate.features.histories import Histories


def visits_count_7d(h: Histories) -> Numbers:
    """Visits to the web site in the last 7 days."""
    return _count(h, "visit", 7)


def email_opens_count_7d(h: Histories) -> Numbers:
    """E-mails opened in the last 7 days."""
    return _count(h, "email_open", 7)


def email_clicks_count_7d(h: Histories) -> Numbers:
    """Links clicked in e-mails in the last 7 days."""
    return _count(h, "email_click", 7)


def replies_count_7d(h: Histories) -> Numbers:
    """Replies in the last 7 days."""
    return _count(h, "reply", 7)


def calls_count_7d(h: Histories) -> Numbers:
    """Calls in the last 7 days."""
    return _count(h, "call", 7)


def tours_count_7d(h: Histories) -> Numbers:
    """Tours of properties in the last 7 days."""
    return _count(h, "tour", 7)


def listing_views_count_7d(h: Histories) -> Numbers:
    """Listings viewed in the last 7 days."""
    return _count(h, "listing_view", 7)


def listing_saves_count_7d(h: Histories) -> Numbers:
    """Listings saved in the last 7 days."""
    return _count(h, "listing_save", 7)


def visits_count_21d(h: Histories) -> Numbers:
    """Visits to the web site in the last 21 days."""
    return _count(h, "visit", 21)


def replies_count_21d(h: Histories) -> Numbers:
    """Replies in the last 21 days."""
    return _count(h, "reply", 21)


def tours_count_21d(h: Histories) -> Numbers:
    """Tours of properties in the last 21 days."""
    return _count(h, "tour", 21)


def listing_views_count_21d(h: Histories) -> Numbers:
    """Listings viewed in the last 21 days."""
    return _count(h, "listing_view", 21)


def listing_saves_count_21d(h: Histories) -> Numbers:
    """Listings saved in the last 21 days."""
    return _count(h, "listing_save", 21)


def interactions_count_7d(h: Histories) -> Numbers:
    """Interactions of any kind in the last 7 days."""
    return h.interactions.count(h.interactions.within(7))


def interactions_count_21d(h: Histories) -> Numbers:
    """Interactions of any kind in the last 21 days."""
    return h.interactions.count(h.interactions.within(21))


def interactions_count_first_7d(h: Histories) -> Numbers:
    """Interactions of any kind in the lead's first 7 days."""
    since_created = (h.as_of - h.created)[h.interactions.lead] - h.interactions.age
    return h.interactions.count(since_created < 7 * DAY_US)


def interactions_share_7d(h: Histories) -> Numbers:
    """Share of the last 21 days' interactions that fall into the last 7; in [0, 1]."""
    return divide(interactions_count_7d(h), interactions_count_21d(h))


def active_days_count_7d(h: Histories) -> Numbers:
    """Days of the last 7 with any interaction."""
    return h.interactions.active_days(h.interactions.within(7))


def active_days_count_21d(h: Histories) -> Numbers:
    """Days of the last 21 with any interaction."""
    return h.interactions.active_days(h.interactions.within(21))


def call_seconds_sum_7d(h: Histories) -> Numbers:
    """Seconds on the phone in the last 7 days."""
    calls = h.interactions.is_("kind", "call") & h.interactions.within(7)
    return h.interactions.total(h.interactions["duration_seconds"], calls)


def days_since_interaction(h: Histories) -> Numbers:
    """Days since the last interaction of any kind; missing if there was none."""
    return h.interactions.days_since_last(h.interactions.age >= 0)


def days_since_reply(h: Histories) -> Numbers:
    """Days since the last reply; missing if there was none."""
    return h.interactions.days_since_last(h.interactions.is_("kind", "reply"))


def _count(h: Histories, kind: str, days: float) -> Numbers:
    return h.interactions.count(h.interactions.is_("kind", kind) & h.interactions.within(days))
