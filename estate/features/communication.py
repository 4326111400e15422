"""Who writes to whom, how fast and how long."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from estate.features.events import DAY_US, divide
from estate.features.histories import Histories
from estate.features.rhythm import gap_days


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


def first_response_hours_log(h: Histories) -> Numbers:
    """Logarithm of one more than the hours from the lead's arrival to our first message, or its age."""
    return np.log1p(np.maximum(first_response_hours(h), 0.0))


def replied_share(h: Histories) -> Numbers:
    """Replies for each message to the lead and one more, at most 1; falls as messages stay without one."""
    replies = h.interactions.count(h.interactions.is_("kind", "reply"))
    return np.minimum(replies / (messages_out_count(h) + 1.0), 1.0)


def unanswered_count(h: Histories) -> Numbers:
    """Messages of the lead that nobody has answered yet."""
    asked, answer = h.messages.is_("direction", "in"), h.messages.is_("direction", "out")
    return h.messages.count(asked & np.isnan(h.messages.hours_to_next(asked, answer)))


def days_since_message_in(h: Histories) -> Numbers:
    """Days since the lead last wrote; missing if it never did."""
    return h.messages.days_since_last(h.messages.is_("direction", "in"))


def messages_in_count(h: Histories) -> Numbers:
    """Messages from the lead so far."""
    return h.messages.count(h.messages.is_("direction", "in"))


def messages_out_count(h: Histories) -> Numbers:
    """Messages to the lead so far."""
    return h.messages.count(h.messages.is_("direction", "out"))


def messages_in_change_7d(h: Histories) -> Numbers:
    """Messages from the lead in the last 7 days, less those of the 7 days before."""
    before = h.messages.is_("direction", "in") & h.messages.within(14, before=7)
    return messages_in_count_7d(h) - h.messages.count(before)


def reply_ratio_7d(h: Histories) -> Numbers:
    """Messages from the lead for each message to it, in the last 7 days; missing if none was sent."""
    return divide(messages_in_count_7d(h), messages_out_count_7d(h))


def reply_ratio(h: Histories) -> Numbers:
    """Messages from the lead for each message to it, so far; missing if none was sent."""
    return divide(messages_in_count(h), messages_out_count(h))


def message_length_mean_7d(h: Histories) -> Numbers:
    """Mean length of the lead's messages in the last 7 days, in characters; missing if there is none."""
    return h.messages.mean(h.messages["length"], h.messages.is_("direction", "in") & h.messages.within(7))


def message_length_mean(h: Histories) -> Numbers:
    """Mean length of the lead's messages so far, in characters; missing if it never wrote."""
    return h.messages.mean(h.messages["length"], h.messages.is_("direction", "in"))


def emails_out_count_21d(h: Histories) -> Numbers:
    """E-mails to the lead in the last 21 days."""
    sent = h.messages.is_("direction", "out") & h.messages.is_("channel", "email")
    return h.messages.count(sent & h.messages.within(21))


def message_length_last(h: Histories) -> Numbers:
    """Length of the lead's last message, in characters; missing if it never wrote."""
    return h.messages.last(h.messages["length"], h.messages.is_("direction", "in"))


def message_length_max(h: Histories) -> Numbers:
    """Length of the lead's longest message, in characters; missing if it never wrote."""
    return h.messages.largest(h.messages["length"], h.messages.is_("direction", "in"))


def lead_response_hours_mean(h: Histories) -> Numbers:
    """Mean hours from a message of ours to the lead's next one; missing if it answered nothing."""
    asked, answer = h.messages.is_("direction", "out"), h.messages.is_("direction", "in")
    return h.messages.mean(h.messages.hours_to_next(asked, answer), asked)


def lead_response_hours_last(h: Histories) -> Numbers:
    """Hours in which the lead answered our last answered message; missing if it answered nothing."""
    asked, answer = h.messages.is_("direction", "out"), h.messages.is_("direction", "in")
    return h.messages.last(h.messages.hours_to_next(asked, answer), asked)


def response_hours_max(h: Histories) -> Numbers:
    """Most hours from a message of the lead to our next one; missing if nothing was answered."""
    asked, answer = h.messages.is_("direction", "in"), h.messages.is_("direction", "out")
    return h.messages.largest(h.messages.hours_to_next(asked, answer), asked)


def unanswered_by_lead_count(h: Histories) -> Numbers:
    """Messages of ours that the lead has not answered yet."""
    asked, answer = h.messages.is_("direction", "out"), h.messages.is_("direction", "in")
    return h.messages.count(asked & np.isnan(h.messages.hours_to_next(asked, answer)))


def days_since_message_out(h: Histories) -> Numbers:
    """Days since we last wrote; missing if we never did."""
    return h.messages.days_since_last(h.messages.is_("direction", "out"))


def first_message_hours(h: Histories) -> Numbers:
    """Hours from the lead's arrival to its first message; missing if it never wrote."""
    since_first = h.messages.days_since_first(h.messages.is_("direction", "in"))
    return 24.0 * ((h.as_of - h.created) / DAY_US - since_first)


def message_gap_days_max(h: Histories) -> Numbers:
    """Longest time between two messages of either side, in days; missing with fewer than two."""
    every = h.messages.age >= 0
    return h.messages.largest(gap_days(h.messages, every), every)


def turns_count(h: Histories) -> Numbers:
    """How often the other side took over in the conversation."""
    code = h.messages.is_("direction", "in")
    turn = np.zeros(len(code), dtype=np.bool_)
    turn[1:] = (code[1:] != code[:-1]) & (h.messages.lead[1:] == h.messages.lead[:-1])
    return h.messages.count(turn)


def channels_count(h: Histories) -> Numbers:
    """Different channels that messages went through."""
    return h.messages.different("channel", h.messages.age >= 0)


def email_share(h: Histories) -> Numbers:
    """Share of all messages that are e-mails; in [0, 1], missing if there is none."""
    return divide(h.messages.count(h.messages.is_("channel", "email")), h.messages.count(h.messages.age >= 0))


def message_sentiment_mean(h: Histories) -> Numbers:
    """Mean sentiment of the lead's messages so far; missing if it never wrote."""
    return h.messages.mean(h.messages["sentiment"], h.messages.is_("direction", "in"))


def message_sentiment_mean_21d(h: Histories) -> Numbers:
    """Mean sentiment of the lead's messages in the last 21 days; missing if there is none."""
    return h.messages.mean(h.messages["sentiment"], h.messages.is_("direction", "in") & h.messages.within(21))


def message_sentiment_last(h: Histories) -> Numbers:
    """Sentiment of the lead's last message; missing if it never wrote."""
    return h.messages.last(h.messages["sentiment"], h.messages.is_("direction", "in"))


def message_sentiment_min_21d(h: Histories) -> Numbers:
    """Sentiment of the lead's most negative message of the last 21 days; missing if there is none."""
    return h.messages.smallest(
        h.messages["sentiment"], h.messages.is_("direction", "in") & h.messages.within(21)
    )


def message_sentiment_change_7d(h: Histories) -> Numbers:
    """Mean sentiment of the lead's last 7 days of messages, less the 7 days before; missing without both."""
    asked = h.messages.is_("direction", "in")
    before = h.messages.mean(h.messages["sentiment"], asked & h.messages.within(14, before=7))
    return h.messages.mean(h.messages["sentiment"], asked & h.messages.within(7)) - before
