"""What to do next with a lead: the first rule that applies, and what changes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estate.core.clock import now
from estate.services.lead_scoring.dimensions import DIMENSIONS
from estate.services.lead_scoring.schema import DimensionScore, LeadScore
from serving.leads.next_action import NextAction, Standing, Thresholds, next_action


def scored(band: str, **chances: float | None) -> LeadScore:
    return LeadScore(
        lead="lead-1",
        score=80.0,
        band=band,
        band_means=None,
        probability=0.2,
        interval=None,
        confidence=0.5,
        thin=[],
        reasons_for=["Tours in the last 7 days: 2, usually 0"],
        reasons_against=[],
        dimensions=[
            DimensionScore(name=one.name, means=one.means, model=one.model, score=chances.get(one.name, 0.1))
            for one in DIMENSIONS
        ],
        horizon_over=False,
        source="rules",
        version="rules",
        prediction="p",
        as_of=now(),
        known_until=now(),
    )


KEEP = NextAction("call", "Call today", "no reply for 16 days, usual 3")


@pytest.mark.parametrize(
    ("standing", "kind"),
    [
        (Standing(score=scored("high"), keep=KEEP, homes=3), "call"),
        (Standing(score=scored("high"), homes=3), "call"),
        (Standing(score=scored("low", intent=0.6, budget_qualification=0.1), homes=3), "financing"),
        (Standing(score=scored("low", intent=0.6, budget_qualification=0.6), homes=3), "send_homes"),
        (Standing(score=scored("low", intent=0.6, budget_qualification=None), homes=0), "keep_warm"),
        (Standing(homes=1), "send_homes"),
    ],
)
def test_the_first_rule_that_applies(standing: Standing, kind: str) -> None:
    action = next_action(standing)
    assert action is not None
    assert action.kind == kind
    assert action.why


def test_a_lead_that_leaves_is_kept_before_all_else_with_the_sign_as_reason() -> None:
    assert next_action(Standing(score=scored("high"), keep=KEEP, homes=3)) == KEEP


def test_whoever_answers_is_called_whoever_does_not_is_written_to() -> None:
    ready = next_action(Standing(score=scored("high", engagement_readiness=0.7)))
    silent = next_action(Standing(score=scored("high", engagement_readiness=0.2)))
    assert ready is not None
    assert silent is not None
    assert ready.title != silent.title


@pytest.mark.parametrize(
    ("thresholds", "title"),
    [
        (Thresholds(), "Ask how it will pay"),
        (Thresholds(tours=0.6, pays=0.11), "Ask how it will pay"),
        (Thresholds(tours=0.61), "Keep in touch"),
        (Thresholds(pays=0.1), "Keep in touch"),
        (Thresholds(pays=0.0), "Keep in touch"),
    ],
)
def test_from_which_chance_on_a_lead_is_asked_is_set(thresholds: Thresholds, title: str) -> None:
    action = next_action(Standing(score=scored("low", intent=0.6, budget_qualification=0.1)), thresholds)
    assert action is not None
    assert action.title == title


def test_the_reason_names_the_chances_that_were_set() -> None:
    asked = Standing(score=scored("low", intent=0.6, budget_qualification=0.1))
    action = next_action(asked, Thresholds(tours=0.4, pays=0.2))
    assert action is not None
    assert action.why == (
        "60% to tour a home soon (asked from 40%), 10% to be found able to pay (asked below 20%)"
    )


def test_from_which_chance_on_a_lead_answers_is_set() -> None:
    reached = Standing(score=scored("high", engagement_readiness=0.3))
    sooner, later = (next_action(reached, Thresholds(replies=at)) for at in (0.3, 0.31))
    assert sooner is not None
    assert later is not None
    assert (sooner.title, later.title) == ("Call today", "Call, and write if nobody answers")


def test_what_does_not_matter_changes_nothing() -> None:
    one = Standing(score=scored("high"), homes=2, home="in Elm Park")
    other = replace(one, home="in Harbor")
    assert next_action(one) == next_action(other)


def test_a_lead_whose_60_days_are_over_is_not_called_for_what_it_did_then() -> None:
    over = next_action(Standing(score=replace(scored("high"), horizon_over=True), homes=2))
    assert over is not None
    assert over.kind == "send_homes"
