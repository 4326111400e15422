"""Who writes to whom, how fast and how long."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from estate.features.events import DAY_US, divide
from estate.features.histories import Histories


def messages_in_count_7d(h: Histories) -> Numbers:
    """Messages from the lead in the last 7 days."""
    return h.messages.count(h.messages.is_("direction", "in") & h.messages.within(7))


def messages_out_count_7d(h: Histories) -> Numbers:
    """Messages to the lead in the last 7 days."""
    return h.messages.count(h.messages.is_("direction", "out") & h.messages.within(7))


def messages_in_count_21d(h: Histories) -> Numbers:
    """Messages from the lead in the last 21 days."""
    return h.messages.count(h.messages.is_("direction", "in") & h.messages.within(21))


def messages_out_count_21d(h: Histories) -> Numbers:
    """Messages to the lead in the last 21 days."""
    return h.messages.count(h.messages.is_("direction", "out") & h.messages.within(21))


def reply_ratio_21d(h: Histories) -> Numbers:
    """Messages from the lead for each message to it, in the last 21 days; missing if none was sent."""
    return divide(messages_in_count_21d(h), messages_out_count_21d(h))


def message_length_mean_21d(h: Histories) -> Numbers:
    """Mean length of the lead's messages in the last 21 days, in characters; missing if there is none."""
    return h.messages.mean(h.messages["length"], h.messages.is_("direction", "in") & h.messages.within(21))


def response_hours_mean(h: Histories) -> Numbers:
    """Mean hours from a message of the lead to our next one; missing if nothing was answered."""
    asked, answer = h.messages.is_("direction", "in"), h.messages.is_("direction", "out")
    return h.messages.mean(h.messages.hours_to_next(asked, answer), asked)


def first_response_hours(h: Histories) -> Numbers:
    """Hours from the lead's arrival to our first message; its age in hours while there is none."""
    age_days = (h.as_of - h.created) / DAY_US
    waited = age_days - h.messages.days_since_first(h.messages.is_("direction", "out"))
    return 24.0 * np.where(np.isnan(waited), age_days, waited)


def unanswered_count(h: Histories) -> Numbers:
    """Messages of the lead that nobody has answered yet."""
    asked, answer = h.messages.is_("direction", "in"), h.messages.is_("direction", "out")
    return h.messages.count(asked & np.isnan(h.messages.hours_to_next(asked, answer)))


def days_since_message_in(h: Histories) -> Numbers:
    """Days since the lead last wrote; missing if it never did."""
    return h.messages.days_since_last(h.messages.is_("direction", "in"))
