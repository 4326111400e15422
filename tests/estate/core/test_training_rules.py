"""Each rule of the governor, at its edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estate.core.errors import SpecError
from estate.core.training_rules import DEFAULT_RULES, Known, TrainingRules, Wish, nothing_new, weigh

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DRIFT = Wish(cause="drift", version="3")


def known_of(**known: Any) -> Known:
    """Return what is known where version 3 is in production."""
    return Known(**({"production": "3"} | known))


def rule(wish: Wish, known: Known, rules: TrainingRules = DEFAULT_RULES) -> str | None:
    found = weigh(rules, wish, known, NOON)
    return found.rule if found else None


def test_nothing_speaks_against_the_first_training() -> None:
    assert rule(Wish(cause="schedule"), Known()) is None


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (known_of(production="4"), "replaced"),
        (known_of(running="r"), "single_flight"),
        (known_of(broken=("MON101",)), "broken_data"),
        (known_of(failed=(NOON - HOUR + timedelta(seconds=1),)), "back_off"),
        (known_of(failed=(NOON - HOUR,)), None),
        (known_of(failed=(NOON - HOUR, NOON - 9 * HOUR)), "back_off"),  # two hours now
        (known_of(failed=(NOON - 2 * HOUR, NOON - 9 * HOUR)), None),
        (known_of(failed=(NOON - 6 * DAY,) * 30), "back_off"),
        (known_of(failed=(NOON - 7 * DAY,) * 30), None),  # a week at most
        (known_of(knew=NOON - DAY + timedelta(seconds=1)), "cool_down"),
        (known_of(knew=NOON - DAY), None),
        (known_of(begun=(NOON - 3 * HOUR, NOON - 2 * HOUR, NOON - HOUR)), "budget"),
        (known_of(begun=(NOON - DAY, NOON - 2 * HOUR, NOON - HOUR)), None),
    ],
)
def test_what_holds_a_drift(known: Known, expected: str | None) -> None:
    assert rule(DRIFT, known) == expected


def test_a_put_off_wish_waits_for_its_day() -> None:
    assert rule(Wish(cause="drift", not_before=NOON + HOUR), Known()) == "new_labels"
    assert rule(Wish(cause="drift", not_before=NOON), Known()) is None


@pytest.mark.parametrize("wish", [Wish(cause="person"), Wish(cause="api", named_moment=True)])
def test_a_person_or_a_named_moment_only_waits_for_a_run(wish: Wish) -> None:
    against: dict[str, Any] = {"knew": NOON, "begun": (NOON,) * 9, "failed": (NOON,), "broken": ("MON101",)}
    assert rule(wish, Known(**against)) is None
    assert rule(wish, Known(**against, running="r")) == "single_flight"


def test_a_schedule_is_skipped_where_a_training_runs_or_knows_enough() -> None:
    wish = Wish(cause="schedule", due_at=NOON - HOUR)
    running = weigh(DEFAULT_RULES, wish, Known(running="r"), NOON)
    assert running is not None
    assert (running.rule, running.final) == ("running", True)
    answered = weigh(DEFAULT_RULES, wish, Known(newest=NOON - HOUR), NOON)
    assert answered is not None
    assert (answered.rule, answered.final) == ("answered", True)
    assert rule(wish, Known(newest=NOON - 2 * HOUR)) is None


def test_the_budget_says_when_the_next_may_begin() -> None:
    begun = (NOON - 5 * HOUR, NOON - 4 * HOUR, NOON - HOUR)
    found = weigh(TrainingRules(most_per_day=2), Wish(cause="api"), Known(begun=begun), NOON)
    assert found is not None
    assert found.reason.endswith("the next may at 2026-03-03 08:00 UTC")


def test_too_few_new_labels_wait_and_the_same_rows_are_refused() -> None:
    few = nothing_new(DEFAULT_RULES, "drift", new_labels=49, same=None)
    assert few is not None
    assert (few.rule, few.final) == ("new_labels", False)
    same = nothing_new(DEFAULT_RULES, "drift", new_labels=0, same="r")
    assert same is not None
    assert (same.rule, same.final) == ("same_data", True)
    assert nothing_new(DEFAULT_RULES, "drift", new_labels=50, same=None) is None
    assert nothing_new(DEFAULT_RULES, "person", new_labels=0, same="r") is None


@pytest.mark.parametrize("wrong", [{"cool_down_days": -1}, {"most_per_day": 0}, {"new_labels": float("nan")}])
def test_a_rule_out_of_range_is_named(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(SpecError, match=f"`{name}` of TrainingRules: expected a number of at least"):
        TrainingRules(**wrong)  # type: ignore[arg-type]
