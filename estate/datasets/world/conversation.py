"""Messages between leads and agents: short texts from templates, without names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from estate.datasets.world.activity import ActivityClock
from estate.datasets.world.behaviour import FOLLOW_UP, INTERACTIONS, Events
from estate.datasets.world.market import AREAS
from estate.datasets.world.people import People
from estate.datasets.world.world import HOUR, Micros

CHANNELS = ("email", "sms", "chat")
_TONES_IN = (
    (
        "Please stop sending so many listings.",
        "Just looking around for now.",
        "Not sure that {area} is for us.",
        "Maybe next year.",
        "Too expensive, sorry.",
    ),
    (
        "Thanks. What are the monthly costs in {area}?",
        "Could you send me more listings in {area}?",
        "Is the price negotiable?",
        "How are the schools in {area}?",
        "We would need some time to think about it.",
    ),
    (
        "This one looks great! Can we see it this weekend?",
        "We love {area} and would like to make an offer soon.",
        "Our loan is approved. What are the next steps?",
        "When could you show us the house? We are free tomorrow.",
        "Please call me today, we don't want to miss it.",
    ),
)
_FIRST = (
    "Welcome! I look after {area}. What matters most to you?",
    "Thank you for your interest in {area}. When may I call you?",
)
_ANSWER = (
    "Thank you for your message. I have attached three homes in {area}.",
    "Happy to help. Would Thursday suit you for a visit?",
    "Good question. Let me find out and come back to you.",
)
_FOLLOW_UP = ("New this week in {area}: two homes that may suit you.", "Are you still looking in {area}?")
_LONGEST_ANSWER_HOURS = 240.0


@dataclass(frozen=True)
class Messages:
    """Messages of all leads; arrays of shape (n,). ``number`` and the lead's day name a message."""

    lead: NDArray[np.int64]
    number: NDArray[np.int64]
    inbound: NDArray[np.bool_]
    channel: NDArray[np.int64]
    template: NDArray[np.int64]
    event_at: Micros
    recorded_at: Micros


TEMPLATES = (*(text for tone in _TONES_IN for text in tone), *_FIRST, *_ANSWER, *_FOLLOW_UP)
_AT_FIRST = sum(map(len, _TONES_IN))
_AT_ANSWER, _AT_FOLLOW_UP = _AT_FIRST + len(_FIRST), _AT_FIRST + len(_FIRST) + len(_ANSWER)
# numbers of the messages that belong to an event are four times the event's, plus which of them it is
_IN, _OUT, _CONTACT = 0, 1, 2


def converse(clock: ActivityClock, people: People, events: Events) -> Messages:
    """Return every reply as a message, its answer, the agent's first message and the follow-ups."""
    replies = events.take(events.kind == INTERACTIONS.index("reply"))
    follow_ups = events.take(events.kind == FOLLOW_UP)
    parts = (
        _inbound(people, replies),
        _answers(clock, people, replies),
        _contacts(clock, people),
        _follow_ups(follow_ups),
    )
    names = Messages.__dataclass_fields__
    return Messages(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def texts(template: NDArray[np.int64], area: NDArray[np.int64]) -> list[str]:
    """Return the text of each message, from the positions of its template and its area."""
    filled = [[text.replace("{area}", name) for name in AREAS] for text in TEMPLATES]
    return [filled[row][code] for row, code in zip(template.tolist(), area.tolist(), strict=True)]


def _inbound(people: People, replies: Events) -> Messages:
    u = replies.uniform
    warmth = people.intent[replies.lead] + 0.8 * ndtri(u[:, 0])
    tone = np.searchsorted(np.array([-0.6, 0.7]), warmth)
    template = tone * 5 + (u[:, 1] * 5).astype(np.int64)
    return Messages(
        lead=replies.lead,
        number=4 * replies.number + _IN,
        inbound=np.ones(len(u), dtype=np.bool_),
        channel=_channel(people, replies.lead),
        template=template,
        event_at=replies.event_at,
        recorded_at=replies.recorded_at,
    )


def _answers(clock: ActivityClock, people: People, replies: Events) -> Messages:
    replies = replies.take(replies.uniform[:, 2] < 0.9)
    u = replies.uniform
    hours = people.agent_hours[replies.lead] * np.exp(0.6 * ndtri(u[:, 3]))
    at = _later(clock, replies.event_at, hours)
    template = _AT_ANSWER + (u[:, 2] / 0.9 * len(_ANSWER)).astype(np.int64)
    return _outbound(people, replies.lead, 4 * replies.number + _OUT, template, at)


def _contacts(clock: ActivityClock, people: People) -> Messages:
    contacted = np.flatnonzero(people.draws["ignored"] >= 0.05)
    u = people.draws["contact"][contacted]
    at = _later(clock, people.event_at[contacted], people.agent_hours[contacted] * np.exp(0.6 * ndtri(u)))
    template = _AT_FIRST + (people.draws["tone"][contacted] * len(_FIRST)).astype(np.int64)
    return _outbound(people, contacted, 4 * people.number[contacted] + _CONTACT, template, at)


def _follow_ups(events: Events) -> Messages:
    template = _AT_FOLLOW_UP + (events.uniform[:, 0] * len(_FOLLOW_UP)).astype(np.int64)
    none = np.zeros(len(template), dtype=np.int64)
    return Messages(
        lead=events.lead,
        number=4 * events.number + _OUT,
        inbound=none.astype(np.bool_),
        channel=none,
        template=template,
        event_at=events.event_at,
        recorded_at=events.recorded_at,
    )


def _outbound(
    people: People,
    lead: NDArray[np.int64],
    number: NDArray[np.int64],
    template: NDArray[np.int64],
    at: Micros,
) -> Messages:
    sent = np.zeros(len(lead), dtype=np.bool_)
    # the mail server reports within a minute, the same for every message of a lead
    known = at + np.rint(people.draws["recorded"][lead] * HOUR / 60).astype(np.int64)
    return Messages(lead, number, sent, _channel(people, lead), template, at, known)


def _channel(people: People, lead: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(np.array([0.7, 0.9]), people.draws["tone"][lead], side="right")


def _later(clock: ActivityClock, times: Micros, hours: NDArray[np.float64]) -> Micros:
    return clock.wall(clock.activity(times) + np.minimum(hours, _LONGEST_ANSWER_HOURS))
