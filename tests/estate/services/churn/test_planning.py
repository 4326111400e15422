"""What a desk turns to where it can't turn to everything: within its limits, and near the best plan."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from estate.core.errors import SettingsError
from estate.services.churn.capacity import Capacity
from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.planning import plan
from estate.services.churn.schema import Proposal
from tests.estate.services.churn.lists import wishes


def proposal(kind: str, benefit_usd: float) -> Proposal:
    one = INTERVENTIONS[kind]
    return Proposal(
        kind, one.title, one.channel, ("gone_quiet",), 0.1, "stated", one.minutes, one.cost_usd, benefit_usd
    )


def brings(planned: Sequence[Proposal | None]) -> float:
    return sum(one.benefit_usd for one in planned if one is not None)


def within(planned: Sequence[Proposal | None], capacity: Capacity) -> bool:
    kinds = Counter(one.kind for one in planned if one is not None)
    minutes = sum(one.minutes for one in planned if one is not None)
    return minutes <= capacity.minutes and all(kinds[kind] <= most for kind, most in capacity.most.items())


def best(own: Sequence[Sequence[Proposal]], capacity: Capacity) -> float:
    every = product(*[(None, *some) for some in own])
    return max(brings(one) for one in every if within(one, capacity))


def test_without_limits_everybody_gets_the_best() -> None:
    own, _ = wishes(1, 40)
    assert plan(own, Capacity()) == [some[0] for some in own]
    assert brings(plan(own, Capacity(1e6, {"call": 40}))) == pytest.approx(brings([some[0] for some in own]))


def test_what_brings_most_for_a_minute_comes_first() -> None:
    own = [(proposal("call", 30.0),), (proposal("text_message", 12.0),), (proposal("text_message", 9.0),)]
    taken = [[one is not None for one in plan(own, Capacity(minutes))] for minutes in (3.0, 6.0, 21.0)]
    assert taken == [[False, True, False], [False, True, True], [True, True, True]]


def test_more_is_done_for_a_lead_where_there_is_time_for_more() -> None:
    own = [(proposal("call", 30.0), proposal("text_message", 12.0))]
    kinds = [plan(own, Capacity(minutes))[0] for minutes in (2.0, 3.0, 14.0, 15.0)]
    assert [one.kind if one is not None else None for one in kinds] == [None, *["text_message"] * 2, "call"]


def test_where_there_are_no_more_calls_the_next_best_is_done() -> None:
    own = [(proposal("call", 60.0 + i), proposal("personal_message", 10.0)) for i in range(3)]
    planned = plan(own, Capacity(most={"call": 1}))
    assert [one.kind for one in planned if one] == ["personal_message", "personal_message", "call"]
    assert [one is None for one in plan([own[0]], Capacity(0.0))] == [True]


@pytest.mark.parametrize("seed", range(30))
def test_no_plan_goes_beyond_a_limit_or_far_from_the_best(seed: int) -> None:
    own, _ = wishes(seed, 6)
    for minutes in (20.0, 45.0, math.inf):
        for most in ({}, {"call": 1, "new_matches": 1}, {"personal_message": 0}):
            capacity = Capacity(minutes, most)
            planned = plan(own, capacity)
            assert within(planned, capacity)
            assert all(one is None or one in some for one, some in zip(planned, own, strict=True))
            largest = max(some[0].benefit_usd for some in own)
            assert brings(planned) > best(own, capacity) - largest


def test_on_lists_as_long_as_a_desks_the_plan_is_within_a_hundredth_of_the_best() -> None:
    short = []
    for seed in range(20):
        own, _ = wishes(100 + seed, 200)
        capacity = Capacity(240.0)
        short.append(1 - brings(plan(own, capacity)) / best_by_minutes(own, 240))
    assert all(gap >= -1e-9 for gap in short)
    assert max(short) < 0.01


def best_by_minutes(own: Sequence[Sequence[Proposal]], minutes: int) -> float:
    """Return what the best plan brings, by dynamic programming over whole minutes."""
    found = np.zeros(minutes + 1)
    for some in own:
        with_it = [found]
        for one in some:
            spent = int(one.minutes)
            with_it.append(
                np.concatenate([np.full(spent, -np.inf), found[: minutes + 1 - spent] + one.benefit_usd])
            )
        found = np.max(with_it, axis=0)
    return float(found[-1])


def test_limits_of_kinds_that_there_are_not_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"kind of intervention: expected one of .*, got letter"):
        Capacity(most={"letter": 3})
