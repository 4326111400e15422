"""How much a lead does, of what, and how lately."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from estate.features.events import DAY_US, Mask, divide
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
    """Share of the last 21 days' interactions that fall into the last 7; missing if there is none."""
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


def email_opens_count_21d(h: Histories) -> Numbers:
    """E-mails opened in the last 21 days."""
    return _count(h, "email_open", 21)


def email_clicks_count_21d(h: Histories) -> Numbers:
    """Links clicked in e-mails in the last 21 days."""
    return _count(h, "email_click", 21)


def calls_count_21d(h: Histories) -> Numbers:
    """Calls in the last 21 days."""
    return _count(h, "call", 21)


def interactions_count_1d(h: Histories) -> Numbers:
    """Interactions of any kind in the last day."""
    return h.interactions.count(h.interactions.within(1))


def interactions_count_3d(h: Histories) -> Numbers:
    """Interactions of any kind in the last 3 days."""
    return h.interactions.count(h.interactions.within(3))


def interactions_count_30d(h: Histories) -> Numbers:
    """Interactions of any kind in the last 30 days."""
    return h.interactions.count(h.interactions.within(30))


def interactions_count_90d(h: Histories) -> Numbers:
    """Interactions of any kind in the last 90 days."""
    return h.interactions.count(h.interactions.within(90))


def interactions_count(h: Histories) -> Numbers:
    """Interactions of any kind so far."""
    return h.interactions.count(h.interactions.age >= 0)


def visits_change_7d(h: Histories) -> Numbers:
    """Visits in the last 7 days, less those of the 7 days before."""
    return _change(h, h.interactions.is_("kind", "visit"))


def replies_change_7d(h: Histories) -> Numbers:
    """Replies in the last 7 days, less those of the 7 days before."""
    return _change(h, h.interactions.is_("kind", "reply"))


def listing_views_change_7d(h: Histories) -> Numbers:
    """Listings viewed in the last 7 days, less those of the 7 days before."""
    return _change(h, h.interactions.is_("kind", "listing_view"))


def interactions_change_7d(h: Histories) -> Numbers:
    """Interactions of any kind in the last 7 days, less those of the 7 days before."""
    return _change(h, h.interactions.age >= 0)


def email_clicks_ratio_21d(h: Histories) -> Numbers:
    """Links clicked for each e-mail opened, in the last 21 days; missing if none was opened."""
    return divide(email_clicks_count_21d(h), email_opens_count_21d(h))


def listing_saves_ratio_21d(h: Histories) -> Numbers:
    """Listings saved for each one viewed, in the last 21 days; missing if none was viewed."""
    return divide(listing_saves_count_21d(h), listing_views_count_21d(h))


def tours_ratio_21d(h: Histories) -> Numbers:
    """Tours for each listing viewed, in the last 21 days; missing if none was viewed."""
    return divide(tours_count_21d(h), listing_views_count_21d(h))


def call_seconds_sum_21d(h: Histories) -> Numbers:
    """Seconds on the phone in the last 21 days."""
    calls = h.interactions.is_("kind", "call") & h.interactions.within(21)
    return h.interactions.total(h.interactions["duration_seconds"], calls)


def call_seconds_mean_21d(h: Histories) -> Numbers:
    """Mean length of the calls of the last 21 days, in seconds; missing if there was none."""
    calls = h.interactions.is_("kind", "call") & h.interactions.within(21)
    return h.interactions.mean(h.interactions["duration_seconds"], calls)


def visit_seconds_mean_21d(h: Histories) -> Numbers:
    """Mean length of the web site visits of the last 21 days, in seconds; missing if there was none."""
    visits = h.interactions.is_("kind", "visit") & h.interactions.within(21)
    return h.interactions.mean(h.interactions["duration_seconds"], visits)


def kinds_count_21d(h: Histories) -> Numbers:
    """Different kinds of interactions in the last 21 days."""
    return h.interactions.different("kind", h.interactions.within(21))


def days_since_visit(h: Histories) -> Numbers:
    """Days since the last visit to the web site; missing if there was none."""
    return h.interactions.days_since_last(h.interactions.is_("kind", "visit"))


def days_since_tour(h: Histories) -> Numbers:
    """Days since the last tour; missing if there was none."""
    return h.interactions.days_since_last(h.interactions.is_("kind", "tour"))


def days_since_call(h: Histories) -> Numbers:
    """Days since the last call; missing if there was none."""
    return h.interactions.days_since_last(h.interactions.is_("kind", "call"))


def days_since_listing_view(h: Histories) -> Numbers:
    """Days since the last listing was viewed; missing if none was."""
    return h.interactions.days_since_last(h.interactions.is_("kind", "listing_view"))


def days_since_listing_save(h: Histories) -> Numbers:
    """Days since the last listing was saved; missing if none was."""
    return h.interactions.days_since_last(h.interactions.is_("kind", "listing_save"))


def days_since_first_interaction(h: Histories) -> Numbers:
    """Days since the first interaction of any kind; missing if there was none."""
    return h.interactions.days_since_first(h.interactions.age >= 0)


def silence_days(h: Histories) -> Numbers:
    """Days since the last interaction of any kind, or since the lead came if there was none."""
    since = days_since_interaction(h)
    return np.where(np.isnan(since), (h.as_of - h.created) / DAY_US, since)


def interactions_count_log(h: Histories) -> Numbers:
    """Logarithm of one more than the interactions of any kind so far."""
    return np.log1p(interactions_count(h))


def interactions_trend_log(h: Histories) -> Numbers:
    """Logarithm of interactions in the last 7 days over those in the lead's first 7, one added to both."""
    return np.log1p(interactions_count_7d(h)) - np.log1p(interactions_count_first_7d(h))


def _count(h: Histories, kind: str, days: float) -> Numbers:
    return h.interactions.count(h.interactions.is_("kind", kind) & h.interactions.within(days))


def _change(h: Histories, which: Mask) -> Numbers:
    now, before = h.interactions.within(7), h.interactions.within(14, before=7)
    return h.interactions.count(which & now) - h.interactions.count(which & before)
