"""Ten signs that a lead may leave, as of now, each with its evidence.

A sign is judged beside what is usual: for this lead where its own past says it, else for the desk. It fires
where things are at least twice as bad as usual; its severity is 1 - usual / value, so 0.5 where it begins and
near 1 where the usual is long past. What there is no data for is not known, and never fires.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, Numbers
from estate.features import communication, engagement, habits, preference, timing
from estate.services.churn.evidence import EVIDENCE
from estate.services.churn.schema import Indicator

FACTS = FeatureSet(
    numbers=(
        engagement.silence_days,
        engagement.days_since_reply,
        engagement.visits_count_7d,
        engagement.visits_change_7d,
        engagement.email_opens_count_21d,
        engagement.listing_saves_count_21d,
        engagement.tours_count_21d,
        habits.interaction_gap_days_mean,
        habits.reply_gap_days_mean,
        communication.first_response_hours,
        communication.messages_out_count,
        communication.messages_in_count,
        communication.unanswered_count,
        communication.unanswered_by_lead_count,
        communication.days_since_message_in,
        communication.message_length_last,
        communication.message_length_mean,
        communication.message_sentiment_last,
        communication.message_sentiment_mean,
        communication.emails_out_count_21d,
        preference.budget_to_area_price,
        preference.timeline_days,
        timing.lead_age_days,
    ),
)
"""What the indicators read of a lead, as of now."""

FIRES_AT = 0.5
"""Least severity of a sign that is shown: twice as bad as usual."""

Usuals = Mapping[str, float]
"""What is usual for the desk, by the name of a fact."""

STATED: Usuals = {"interaction_gap_days_mean": 3.0, "reply_gap_days_mean": 4.0, "first_response_hours": 4.0}
"""What is taken to be usual until it has been measured on the desk's own leads."""


@dataclass(frozen=True)
class Readings:
    """One sign of n leads.

    Parameters
    ----------
    value, usual : float64 array of shape (n,)
        NaN where there is no data, or nothing is usual.
    own : bool array of shape (n,)
        Whether the usual value is the lead's own.
    severity : float64 array of shape (n,)
        In [0, 1]; NaN where it is not known.
    """

    value: Numbers
    usual: Numbers
    own: NDArray[np.bool_]
    severity: Numbers


Read = Callable[[Frame, Usuals], Readings]


def gone_quiet(facts: Frame, usuals: Usuals) -> Readings:
    """Read the days without any sign of life, beside the lead's usual gap; three days are never long."""
    usual, own = _usual(facts["interaction_gap_days_mean"], usuals, "interaction_gap_days_mean")
    value = facts["silence_days"]
    return _above(value, np.maximum(usual, 1.5), usual, own)


def no_reply(facts: Frame, usuals: Usuals) -> Readings:
    """Read the days without a reply while a message of ours waits for one; not known where none waits."""
    usual, own = _usual(facts["reply_gap_days_mean"], usuals, "reply_gap_days_mean")
    since = facts["days_since_reply"]
    value = np.where(np.isnan(since), facts["lead_age_days"], since)
    value = np.where(facts["unanswered_by_lead_count"] > 0, value, np.nan)
    return _above(value, np.maximum(usual, 1.5), usual, own)


def slow_first_answer(facts: Frame, usuals: Usuals) -> Readings:
    """Read the hours until our first message, or until now while there is none; one hour is never slow."""
    value = facts["first_response_hours"]
    usual, own = _usual(np.full(len(facts), np.nan), usuals, "first_response_hours")
    return _above(value, np.maximum(usual, 0.5), usual, own)


def unanswered(facts: Frame, _usuals: Usuals) -> Readings:
    """Read how many messages of the lead wait for our answer, a day and longer; not known if none wrote."""
    count, since = facts["unanswered_count"], facts["days_since_message_in"]
    value = np.where(np.isnan(since), np.nan, count)
    severity = np.where(value > 0, 1.0 - 1.0 / (1.0 + value * np.minimum(since, 30.0)), 0.0)
    return _plain(value, np.where(np.isnan(value), np.nan, severity))


def visits_fell(facts: Frame, _usuals: Usuals) -> Readings:
    """Read this week's visits beside last week's; not known where those were fewer than three."""
    now = facts["visits_count_7d"]
    before = now - facts["visits_change_7d"]
    known = before >= 3
    fallen = np.where(known, 1.0 - now / np.maximum(before, 1.0), np.nan)
    own = np.ones(len(facts), dtype=np.bool_)
    return Readings(np.where(known, now, np.nan), before, own, np.clip(fallen, 0.0, 1.0))


def shorter_messages(facts: Frame, _usuals: Usuals) -> Readings:
    """Read the last message's length beside the mean of those before; not known with fewer than three."""
    count, last = facts["messages_in_count"], facts["message_length_last"]
    others = (facts["message_length_mean"] * count - last) / np.maximum(count - 1.0, 1.0)
    known = (count >= 3) & (others > 0)
    shorter = np.where(known, 1.0 - last / np.where(known, others, 1.0), np.nan)
    own = np.ones(len(facts), dtype=np.bool_)
    usual = np.where(known, others, np.nan)
    return Readings(np.where(known, last, np.nan), usual, own, np.clip(shorter, 0.0, 1.0))


def saves_without_tour(facts: Frame, _usuals: Usuals) -> Readings:
    """Read how many listings were saved in 21 days without a tour; not known where none was saved."""
    saves = facts["listing_saves_count_21d"]
    value = np.where(saves > 0, np.where(facts["tours_count_21d"] > 0, 0.0, saves), np.nan)
    return _plain(value, 1.0 - 1.0 / np.maximum(value, 1.0))


def budget_far_off(facts: Frame, _usuals: Usuals) -> Readings:
    """Read the budget beside the area's median price; half of it and less fires, not known without both."""
    value = facts["budget_to_area_price"]
    usual = np.where(np.isnan(value), np.nan, 1.0)
    return Readings(value, usual, np.zeros(len(facts), dtype=np.bool_), np.clip(1.0 - value, 0.0, 1.0))


def negative_tone(facts: Frame, _usuals: Usuals) -> Readings:
    """Read the last message's tone beside the lead's mean; not known with fewer than two messages.

    Tone is from -1 to 1; severity is half of how far it fell below the mean, and half where it is negative.
    """
    last, mean, count = (
        facts[name] for name in ("message_sentiment_last", "message_sentiment_mean", "messages_in_count")
    )
    known = (count >= 2) & ~np.isnan(last)
    others = (mean * count - last) / np.maximum(count - 1.0, 1.0)
    fallen = np.clip((others - last) / 2.0, 0.0, 0.5) + 0.5 * (last < -0.05)
    own = np.ones(len(facts), dtype=np.bool_)
    severity = np.where(last < others, fallen, 0.0)
    return Readings(
        np.where(known, last, np.nan),
        np.where(known, others, np.nan),
        own,
        np.where(known, severity, np.nan),
    )


def emails_unopened(facts: Frame, _usuals: Usuals) -> Readings:
    """Read how many e-mails of 21 days were sent for each one opened; not known with fewer than two."""
    sent, opened = facts["emails_out_count_21d"], facts["email_opens_count_21d"]
    value = np.where(sent >= 2, np.maximum(sent - opened, 0.0), np.nan)
    severity = np.where(opened > 0, 0.0, 1.0 - 1.0 / np.maximum(value, 1.0))
    return _plain(value, np.where(np.isnan(value), np.nan, severity))


INDICATORS: Mapping[str, Read] = {
    read.__name__: read
    for read in (
        gone_quiet,
        no_reply,
        slow_first_answer,
        unanswered,
        visits_fell,
        shorter_messages,
        saves_without_tour,
        budget_far_off,
        negative_tone,
        emails_unopened,
    )
}
"""How each sign is read, by its name."""


def read_all(facts: Frame, usuals: Usuals) -> dict[str, Readings]:
    """Read every sign of n leads; a lead alone gives the same as among others."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: read(facts, usuals) for name, read in INDICATORS.items()}


def indicators_of(
    facts: Frame, usuals: Usuals = STATED
) -> list[tuple[tuple[Indicator, ...], tuple[str, ...]]]:
    """Return of each lead the signs that fire, the most severe first, and those that are not known.

    Examples
    --------
    >>> missing = {name: [None] for name in FACTS.names}
    >>> quiet = missing | {"silence_days": [16.0], "interaction_gap_days_mean": [3.0]}
    >>> ((found, unknown),) = indicators_of(Frame.of(quiet))
    >>> [sign.evidence for sign in found], len(unknown)
    (['no sign of life for 16 days, usual 3'], 9)
    """
    readings = read_all(facts, usuals)
    rows = [{n: float("nan") if v is None else v for n, v in row.items()} for row in facts.records()]
    return [_of_lead(i, row, readings) for i, row in enumerate(rows)]  # type: ignore[arg-type]


def usuals_of(facts: Frame) -> Usuals:
    """Return what is usual among leads: the median of each fact that lacks a lead's own past, where known."""
    found = {}
    for name, stated in STATED.items():
        known = facts[name][~np.isnan(facts[name])]
        found[name] = float(np.median(known)) if len(known) >= 20 else stated
    return found


def _of_lead(
    i: int, facts: Mapping[str, float], readings: Mapping[str, Readings]
) -> tuple[tuple[Indicator, ...], tuple[str, ...]]:
    fired: list[Indicator] = []
    unknown: list[str] = []
    for name, read in readings.items():
        severity, value, usual = float(read.severity[i]), float(read.value[i]), float(read.usual[i])
        if np.isnan(severity) or np.isnan(value):
            unknown.append(name)
        elif severity >= FIRES_AT:
            nothing = np.isnan(usual)
            fired.append(
                Indicator(
                    name,
                    value,
                    None if nothing else usual,
                    None if nothing else "lead" if read.own[i] else "desk",
                    severity,
                    EVIDENCE[name](facts, value, usual),
                )
            )
    return tuple(sorted(fired, key=lambda one: (-one.severity, one.name))), tuple(unknown)


def _usual(own: Numbers, usuals: Usuals, name: str) -> tuple[Numbers, NDArray[np.bool_]]:
    known = ~np.isnan(own)
    return np.where(known, own, usuals.get(name, STATED[name])), known


def _above(value: Numbers, floor: Numbers, usual: Numbers, own: NDArray[np.bool_]) -> Readings:
    """Severity of a value that is bad where it is above the usual one."""
    return Readings(value, usual, own, np.clip(1.0 - floor / np.maximum(value, 1e-9), 0.0, 1.0))


def _plain(value: Numbers, severity: Numbers) -> Readings:
    nothing = np.full(len(value), np.nan)
    return Readings(value, nothing, np.zeros(len(value), dtype=np.bool_), np.clip(severity, 0.0, 1.0))


def names_of(found: Sequence[Indicator]) -> tuple[str, ...]:
    """Return the names of signs."""
    return tuple(one.name for one in found)
