"""How matching behaves: what must not matter, which way things go, and the least that must be right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.services.property_matching.schema import HomesNow, LeadNow, Matches, Request, Scored
from estate.services.property_matching.service import by_rules, match, match_many
from tests.estate.services.property_matching.homes import MARKET, lead, market

VIEW, SAVE, TOUR = "listing_view", "listing_save", "tour"


def matched(who: LeadNow, homes: HomesNow | None = None, **wanted: object) -> Matches:
    return match(Request(**wanted), who, homes or market(), by_rules)  # type: ignore[arg-type]


def ids(found: Matches) -> list[str]:
    return [home.property_id for home in found.homes]


def score(found: Matches, home: str) -> float:
    return next(one.score for one in found.homes if one.property_id == home)


# Invariance


def test_the_order_of_the_homes_does_not_matter() -> None:
    turned = HomesNow(market().offers.take(np.arange(len(MARKET))[::-1]), market().popular[::-1])
    who = lead((SAVE, "a1", 2.0))
    assert matched(who, turned, k=3).homes == matched(who, k=3).homes


def test_a_lead_among_many_is_answered_as_alone() -> None:
    leads = [lead(), lead((VIEW, "b1", 1.0)), lead(area=None)]
    assert list(match_many(Request(k=3), leads, market(), by_rules)) == [matched(one, k=3) for one in leads]


def test_the_name_of_a_home_does_not_matter() -> None:
    named = market([(f"z{home[0]}", *home[1:]) for home in MARKET])
    assert [f"z{name}" for name in ids(matched(lead(), k=3))] == ids(matched(lead(), named, k=3))


# Direction


def test_looks_at_an_area_pull_its_homes_up() -> None:
    before, after = (matched(who, k=8) for who in (lead(), lead((VIEW, "b3", 3.0), (SAVE, "b2", 2.0))))
    assert "b1" not in ids(replace(before, homes=before.homes[:3]))
    assert score(after, "b1") > score(before, "b1")


def test_a_dearer_home_above_the_budget_scores_lower() -> None:
    dear = market((*MARKET, ("a6", "Elm Park", "house", 450_000, 3, 1600)))
    found = matched(lead(), dear, k=8)
    assert score(found, "a6") < score(found, "a1")


def test_a_home_like_the_one_saved_comes_first() -> None:
    assert ids(matched(lead((SAVE, "a2", 1.0), budget=np.nan), k=3, diversity=0.0))[0] == "a2"


# Least that must be right


def test_given_limits_are_kept_even_if_fewer_homes_are_left() -> None:
    found = matched(lead(), k=8, max_price_usd=390_000, areas=("Elm Park",), min_bedrooms=3)
    assert ids(found) == ["a2"]
    assert found.relaxed == ()


def test_inferred_limits_give_way_in_order_and_it_is_said() -> None:
    assert matched(lead(), k=3).relaxed == ()
    assert matched(lead(), k=4).relaxed == ("bedrooms",)
    assert matched(lead(), k=6).relaxed == ("bedrooms", "area")
    assert all(
        home.price_usd is not None and home.price_usd < 420_000 * 1.3 for home in matched(lead(), k=8).homes
    )


def test_what_is_inferred_is_not_more_than_what_is_known() -> None:
    nobody = lead(area=None, budget=np.nan, bedrooms=np.nan)
    found = matched(nobody, k=8)
    assert (found.fitting, found.basis, found.relaxed) == (len(MARKET), "popularity", ())
    assert matched(lead()).basis == "wishes"
    assert matched(lead((VIEW, "a1", 1.0))).basis == "looks"


def test_reasons_are_true_of_the_record() -> None:
    who = lead((VIEW, "a1", 9.0), (VIEW, "a3", 8.0), (SAVE, "a3", 7.0), (VIEW, "b3", 6.0))
    reasons = {home.property_id: home.reasons for home in matched(who, k=8).homes}
    assert reasons["a1"] == (
        "you looked at it on 1 May",
        "like the home you saved on 3 May",
        "in Elm Park, where you looked at 2 of 3 homes",
        "3 bedrooms, as you asked",
    )
    assert reasons["a3"][0] == "you saved it on 3 May"
    assert "10 % under your budget" in reasons["a2"]
    assert not any("budget" in one or "you asked" in one for one in reasons["b3"])


def test_a_lead_without_looks_hears_only_what_it_said() -> None:
    reasons = {home.property_id: home.reasons for home in matched(lead(), k=8).homes}
    assert reasons["a1"] == ("in Elm Park, as you asked", "3 bedrooms, as you asked", "5 % under your budget")


def test_diversity_puts_something_else_between_twins() -> None:
    twins = market((*MARKET, *((f"t{i}", "Elm Park", "house", 400_000.0, 3.0, 1600.0) for i in range(6))))
    alike = ids(matched(lead(), twins, k=3, diversity=0.0))
    mixed = ids(matched(lead(), twins, k=3, diversity=0.6))
    assert mixed[0] == alike[0]
    assert "a2" not in alike
    assert "a2" in mixed


def test_no_home_for_sale_is_an_empty_answer() -> None:
    empty = HomesNow(market().offers.take(np.zeros(0, dtype=np.int64)), np.zeros(0))
    found = matched(lead(), empty)
    assert (found.homes, found.for_sale, found.fitting) == ((), 0, 0)


def test_rules_say_that_they_are_and_a_version_says_which() -> None:
    assert matched(lead()).source == "rules"

    def ask(spec: ModelSpec, features: Frame, lead_id: str) -> Scored:
        return Scored(np.full(len(features), 0.25), AnsweredBy.MODEL, "7")

    found = match(Request(k=2), lead(), market(), ask)
    assert (found.source, found.sources["home_choice"], found.homes[0].p_tour) == ("model", "7", 0.25)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 101}, {"max_price_usd": -1.0}, {"diversity": 1.0}])
def test_a_wish_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match="expected"):
        Request(**wrong)  # type: ignore[arg-type]


def test_rules_stay_chances_whatever_is_missing() -> None:
    who = lead(area=None, budget=np.nan, bedrooms=np.nan)
    odd = market((("x", "Elm Park", "house", np.nan, np.nan, np.nan), *MARKET))
    for home in matched(who, odd, k=9).homes:
        assert min(home.score, home.p_save, home.p_tour) > 0
        assert max(home.score, home.p_save, home.p_tour) < 1
