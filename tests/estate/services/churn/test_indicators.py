"""The ten signs: what fires, what does not, what is not known."""

from __future__ import annotations

import numpy as np
import pytest

from estate.core.frame import Frame
from estate.services.churn.evidence import EVIDENCE
from estate.services.churn.indicators import FACTS, FIRES_AT, INDICATORS, STATED, indicators_of, read_all
from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.schema import Indicator

CALM = {
    "silence_days": 1.0,
    "days_since_reply": 1.0,
    "visits_count_7d": 4.0,
    "visits_change_7d": 0.0,
    "email_opens_count_21d": 2.0,
    "listing_saves_count_21d": 2.0,
    "tours_count_21d": 1.0,
    "interaction_gap_days_mean": 2.0,
    "reply_gap_days_mean": 3.0,
    "first_response_hours": 2.0,
    "messages_out_count": 5.0,
    "messages_in_count": 4.0,
    "unanswered_count": 0.0,
    "unanswered_by_lead_count": 1.0,
    "days_since_message_in": 1.0,
    "message_length_last": 80.0,
    "message_length_mean": 80.0,
    "message_sentiment_last": 0.3,
    "message_sentiment_mean": 0.3,
    "emails_out_count_21d": 3.0,
    "budget_to_area_price": 1.1,
    "timeline_days": 60.0,
    "lead_age_days": 20.0,
}
"""A lead that nothing is wrong with."""

CASES = {
    "gone_quiet": ({"silence_days": 16.0}, "no sign of life for 16 days, usual 2"),
    "no_reply": ({"days_since_reply": 16.0}, "no reply for 16 days, usual 3"),
    "slow_first_answer": ({"first_response_hours": 26.0}, "first answer took 26 hours, usual 4"),
    "unanswered": (
        {"unanswered_count": 2.0, "days_since_message_in": 3.0},
        "2 messages of the lead wait for an answer, the last one for 3 days",
    ),
    "visits_fell": (
        {"visits_count_7d": 0.0, "visits_change_7d": -5.0},
        "visits fell from 5 to 0 in a week",
    ),
    "shorter_messages": (
        {"message_length_last": 12.0, "message_length_mean": 63.0},
        "the last message had 12 characters, usual 80",
    ),
    "saves_without_tour": (
        {"listing_saves_count_21d": 4.0, "tours_count_21d": 0.0},
        "4 listings saved in 21 days and no tour",
    ),
    "budget_far_off": ({"budget_to_area_price": 0.45}, "the budget is 45 % of the area's median price"),
    "negative_tone": (
        {"message_sentiment_last": -0.6, "message_sentiment_mean": 0.0},
        "the last message sounds negative (-0.60), usual +0.20",
    ),
    "emails_unopened": (
        {"emails_out_count_21d": 4.0, "email_opens_count_21d": 0.0},
        "4 e-mails in 21 days and none opened",
    ),
}


def frame(*leads: dict[str, float]) -> Frame:
    return Frame.of({name: [lead[name] for lead in leads] for name in FACTS.names})


def signs(**changed: float) -> tuple[Indicator, ...]:
    return indicators_of(frame(CALM | changed))[0][0]


def test_there_are_ten_each_read_told_and_answered_by_something() -> None:
    assert len(INDICATORS) == len(INTERVENTIONS) == 10
    assert list(INDICATORS) == list(EVIDENCE) == list(CASES)
    assert {name for one in INTERVENTIONS.values() for name in one.answers} == set(INDICATORS)
    assert set(CALM) == set(FACTS.names)


def test_nothing_fires_for_a_lead_that_nothing_is_wrong_with() -> None:
    ((fired, unknown),) = indicators_of(frame(CALM))
    assert (fired, unknown) == ((), ())


@pytest.mark.parametrize("name", CASES)
def test_each_fires_alone_with_its_evidence(name: str) -> None:
    changed, evidence = CASES[name]
    (sign,) = signs(**changed)
    assert (sign.name, sign.evidence) == (name, evidence)
    assert FIRES_AT <= sign.severity <= 1.0


def test_what_is_missing_is_not_known_and_never_fires() -> None:
    ((fired, unknown),) = indicators_of(frame(dict.fromkeys(FACTS.names, np.nan)))
    assert fired == ()
    assert set(unknown) == set(INDICATORS)


def test_a_lead_of_this_minute_has_no_sign() -> None:
    new = dict.fromkeys(FACTS.names, 0.0) | {
        name: np.nan
        for name in CALM
        if name.startswith(("days_since", "interaction_gap", "reply_gap", "message_"))
    }
    ((fired, _),) = indicators_of(frame(new | {"budget_to_area_price": 1.0}))
    assert fired == ()


def test_a_lead_of_years_is_told_in_numbers_that_can_be_read() -> None:
    found = signs(silence_days=900.0, days_since_reply=1000.0, lead_age_days=1200.0)
    assert {one.evidence for one in found} == {
        "no reply for 1000 days, usual 3",
        "no sign of life for 900 days, usual 2",
    }


def test_what_is_usual_is_the_leads_own_else_the_desks() -> None:
    (own,) = signs(silence_days=16.0)
    assert (own.usual, own.usual_of) == (2.0, "lead")
    lead = CALM | {"silence_days": 16.0, "interaction_gap_days_mean": np.nan}
    ((found, _),) = indicators_of(frame(lead), {**STATED, "interaction_gap_days_mean": 5.0})
    assert (found[0].usual, found[0].usual_of) == (5.0, "desk")


@pytest.mark.parametrize(
    ("fact", "name"), [("silence_days", "gone_quiet"), ("first_response_hours", "slow_first_answer")]
)
def test_longer_is_never_less_severe(fact: str, name: str) -> None:
    rising = [CALM | {fact: value} for value in np.linspace(0.0, 200.0, 60).tolist()]
    assert (np.diff(read_all(frame(*rising), STATED)[name].severity) >= 0).all()


def test_a_lead_alone_has_the_signs_that_it_has_among_others() -> None:
    leads = [CALM | changed for changed, _ in CASES.values()]
    together = indicators_of(frame(*leads))
    assert together == [indicators_of(frame(lead))[0] for lead in leads]
    assert indicators_of(frame(*leads[::-1])) == together[::-1]
