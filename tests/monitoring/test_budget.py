"""However often somebody looks, a month spends no more than its budget."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.budget import PERIOD, Look, rate_of_look

START = datetime(2026, 1, 1, tzinfo=UTC)
BUDGET = 0.1


def _spend(moments: Iterable[datetime]) -> list[Look]:
    looks: list[Look] = []
    for moment in moments:
        looks.append(Look(moment, rate_of_look(looks, moment, budget=BUDGET)))
    return looks


@pytest.mark.parametrize("hours", [0.01, 1, 24, 24 * 7, 24 * 20])
def test_no_thirty_days_spend_more_than_the_budget(hours: float) -> None:
    looks = _spend(START + i * timedelta(hours=hours) for i in range(300))
    for look in looks:
        spent = sum(x.rate for x in looks if look.moment - PERIOD < x.moment <= look.moment)
        assert spent <= BUDGET * (1 + 1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize(("days", "share"), [(0.25, 0.99), (1, 0.95), (7, 0.7)])
def test_looks_at_regular_times_spend_most_of_it(days: float, share: float) -> None:
    looks = _spend(START + i * timedelta(days=days) for i in range(int(500 / days)))
    last = looks[-1].moment
    spent = sum(look.rate for look in looks if look.moment > last - 10 * PERIOD)
    assert share * 10 * BUDGET <= spent <= 10 * BUDGET


def test_more_looks_at_one_moment_get_half_of_what_is_left() -> None:
    rates = [look.rate for look in _spend([START] * 6)]
    assert [later / earlier for earlier, later in itertools.pairwise(rates)] == pytest.approx([0.5] * 5)


def test_a_storm_of_looks_leaves_the_next_day_its_share() -> None:
    looks = _spend([START] * 200)
    tomorrow = rate_of_look(looks, START + timedelta(days=1), budget=BUDGET)
    assert tomorrow == pytest.approx(BUDGET / 60, rel=0.01)
