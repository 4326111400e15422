"""What is proposed, to whom by chance, and what is learned from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.services.churn.choosing import arm_of, proposals
from estate.services.churn.effects import PRIOR_EFFECT, Effect, Tried, effects, uplifts
from estate.services.churn.service import Desk, Judged, assess
from estate.services.churn.timing import Curve, even, risk_from, timing_of
from tests.estate.services.churn.test_indicators import CALM, CASES, frame, signs

NOW = datetime(2026, 3, 1, tzinfo=UTC)
QUIET = signs(silence_days=16.0)


def tried(arm: str, leads: int, left: int, *, kind: str = "call", held: float = 0.3) -> list[Tried]:
    propensity = held if arm == "held_back" else 1 - held
    return [
        Tried(kind, "held_back" if arm == "held_back" else "proposed", propensity, i < left)
        for i in range(leads)
    ]


def test_what_is_proposed_answers_a_sign_and_is_worth_its_cost() -> None:
    found = proposals(QUIET, 0.6, Desk().effects, lead_value_usd=400.0)
    assert {one.kind for one in found} <= {"call", "personal_message", "new_matches", "market_update"}
    assert all(one.benefit_usd > 0 and one.answers == ("gone_quiet",) for one in found)
    assert [one.benefit_usd for one in found] == sorted((one.benefit_usd for one in found), reverse=True)


@pytest.mark.parametrize(
    ("fired", "risk", "worth"), [((), 0.9, 400.0), (QUIET, 0.0, 400.0), (QUIET, 0.9, 0.0)]
)
def test_nothing_is_proposed_without_a_sign_a_risk_or_a_worth(
    fired: tuple[()], risk: float, worth: float
) -> None:
    assert proposals(fired, risk, Desk().effects, lead_value_usd=worth) == ()


def test_what_has_done_more_is_proposed_first() -> None:
    known = {
        **Desk().effects,
        "call": Effect(0.5, 0.02, "measured"),
        "market_update": Effect(0.0, 0.02, "measured"),
    }
    found = proposals(QUIET, 0.6, known, lead_value_usd=400.0)
    assert (found[0].kind, found[0].effect_basis) == ("call", "measured")
    assert "market_update" not in {one.kind for one in found}


def test_arms_are_drawn_as_often_as_set_and_anew_each_round() -> None:
    arms = [arm_of(b"key", f"lead-{i}", 0, held_back=0.2)[0] for i in range(5000)]
    assert abs(arms.count("held_back") / 5000 - 0.2) < 0.02
    again = [arm_of(b"key", f"lead-{i}", 1, held_back=0.2)[0] for i in range(5000)]
    both = sum(a == b == "held_back" for a, b in zip(arms, again, strict=True))
    assert abs(both / 5000 - 0.04) < 0.01
    assert arms != [arm_of(b"other", f"lead-{i}", 0, held_back=0.2)[0] for i in range(5000)]


def test_the_uplift_is_found_where_there_is_one() -> None:
    total, one = uplifts([*tried("proposed", 400, 80), *tried("held_back", 200, 80)])
    assert total.kind == "all"
    assert one.difference == pytest.approx(0.2)
    assert one.low is not None
    assert one.low > 0.1
    assert "keeps leads" in one.sentence
    assert uplifts([*tried("proposed", 20, 0), *tried("held_back", 300, 90)])[0].difference is None


def test_the_interval_of_the_uplift_holds_the_truth_as_often_as_it_says() -> None:
    random, held = np.random.default_rng(4), 0
    for _ in range(400):
        left = random.binomial(120, 0.3), random.binomial(50, 0.3)
        found = uplifts([*tried("proposed", 120, left[0]), *tried("held_back", 50, left[1])])[0]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.0 <= found.high
    assert 0.92 <= held / 400 <= 0.985


def test_weights_undo_a_share_that_was_changed_meanwhile() -> None:
    # at first few of those who leave anyway were held back, later many of those who stay
    early = [*tried("proposed", 900, 450, held=0.1), *tried("held_back", 100, 50, held=0.1)]
    late = [*tried("proposed", 500, 50, held=0.5), *tried("held_back", 500, 50, held=0.5)]
    found = uplifts([*early, *late])[0]
    assert found.difference == pytest.approx(0.0, abs=1e-9)
    assert sum(one.left for one in [*early, *late] if one.arm == "held_back") / 600 < 0.2


def test_an_effect_begins_as_stated_and_follows_what_came_true() -> None:
    assert effects([])["call"].value == PRIOR_EFFECT
    few = effects([*tried("proposed", 5, 0), *tried("held_back", 2, 2)])["call"]
    many = effects([*tried("proposed", 3000, 600), *tried("held_back", 1500, 600)])["call"]
    assert few.basis == "stated"
    assert abs(few.value - PRIOR_EFFECT) < 0.1
    assert 0.35 < many.value < 0.5
    assert (many.basis, many.deviation < few.deviation) == ("measured", True)
    harm = effects([*tried("proposed", 3000, 1500), *tried("held_back", 1500, 600)])["call"]
    assert harm.value < 0


def judged(*risks: float) -> list[Judged]:
    return [Judged(f"lead-{i}", risk, "model", "3", (0.3, 0.25, 0.36, 200)) for i, risk in enumerate(risks)]


def assessed(facts: Frame, *risks: float, desk: Desk | None = None):  # type: ignore[no-untyped-def]
    return assess(judged(*risks), facts, as_of=NOW, desk=desk or Desk(), lead_value_usd=400.0)


def test_one_lead_is_told_the_same_alone_and_among_others_in_any_order() -> None:
    leads = [CALM | changed for changed, _ in CASES.values()]
    risks = np.linspace(0.05, 0.9, len(leads)).tolist()
    together = assessed(frame(*leads), *risks)
    backwards = assess(
        judged(*risks)[::-1], frame(*leads[::-1]), as_of=NOW, desk=Desk(), lead_value_usd=400.0
    )
    assert backwards[::-1] == together
    assert replace(assessed(frame(leads[3]), risks[3])[0], lead_id="lead-3") == together[3]


def test_a_lead_that_outlived_half_its_horizon_has_less_left_to_fear() -> None:
    young, late = (assessed(frame(CALM | {"lead_age_days": age}), 0.5)[0] for age in (10.0, 36.0))
    assert young.risk_now == 0.5
    assert late.risk_now == pytest.approx(risk_from(0.5, even(30), 15.0))
    assert late.risk_now < young.risk_now
    assert late.timing is not None
    assert late.timing.days_left == pytest.approx(15.0)


def test_beyond_the_horizon_the_rules_speak_and_say_so() -> None:
    (answer,) = assessed(frame(CALM | {"lead_age_days": 900.0, "silence_days": 400.0}), 0.1)
    assert (answer.source, answer.version, answer.timing) == ("rules", "rules", None)
    assert answer.risk_now > 0.5
    assert answer.meaning.share is None
    assert "over" in answer.notes[0]


def test_a_lead_of_which_nothing_is_known_has_an_answer() -> None:
    (answer,) = assessed(frame(dict.fromkeys(CALM, np.nan)), 0.3)
    assert answer.level == "medium"
    assert answer.indicators == ()
    assert answer.proposals == ()
    assert len(answer.not_known) == 10


def test_the_level_says_how_many_left() -> None:
    (answer,) = assessed(frame(CALM), 0.3)
    assert (
        answer.meaning.sentence
        == "of 100 leads at this level 30 left within 30 days (25 to 36; measured on 200)"
    )


def test_a_curve_is_followed_where_leaving_comes_early() -> None:
    early = Curve((0.0, 0.8, 0.9, 0.95, 1.0), "measured")
    found = timing_of(0.5, early, 0.0)
    assert found is not None
    assert found.median_days == pytest.approx(0.625)
    assert found.by_level["high"] == pytest.approx(1.0, abs=1e-6)
    assert found.by_level["very high"] is None


def test_what_is_known_of_the_desk_survives_its_file_and_nonsense_is_refused() -> None:
    known = Desk(usuals={"first_response_hours": 9.0})
    assert Desk.of(known.to_dict()).usuals["first_response_hours"] == 9.0
    with pytest.raises(DataError):
        Desk.of({"curves": 3})
