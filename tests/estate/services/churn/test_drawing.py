"""Who is held back is drawn by nothing but chance, however little the desk can do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from estate.services.churn.capacity import Capacity
from estate.services.churn.choosing import arm_of
from estate.services.churn.drawing import Drawn, draw_rounds
from estate.services.churn.effects import Tried, uplifts
from estate.services.churn.schema import Arm, Proposal
from tests.estate.services.churn.lists import wishes

KEPT, HELD = 0.5, 0.3
CAPACITY = Capacity(240.0, {"call": 4})


def drawn(
    own: Sequence[Sequence[Proposal]], key: bytes, capacity: Capacity = CAPACITY
) -> tuple[list[Drawn], list[int]]:
    return draw_rounds(own, capacity, lambda lead: arm_of(key, f"lead-{lead}", 0, held_back=HELD))


def key(number: int) -> bytes:
    return number.to_bytes(8, "big")


def test_who_is_held_back_takes_nothing_of_the_day_and_others_come_instead() -> None:
    own, _ = wishes(5, 300)
    for number in range(20):
        begun, waiting = drawn(own, key(number))
        left = CAPACITY.less(one.proposal.kind for one in begun if one.arm == "proposed")
        assert 0 <= left.minutes < 2  # nothing takes less
        assert left.most["call"] >= 0
        assert sorted([one.lead for one in begun] + waiting) == list(range(300))
        again, rest = draw_rounds(
            [own[lead] for lead in waiting], left, lambda lead: ("proposed", 1.0 - HELD)
        )
        assert (again, len(rest)) == ([], len(waiting))


def test_nobodys_own_draw_decides_whether_its_round_begins_or_with_what() -> None:
    own, _ = wishes(6, 60)
    arms: list[tuple[Arm, float]] = [arm_of(key(1), f"lead-{lead}", 0, held_back=HELD) for lead in range(60)]
    as_it_is = {one.lead: one.proposal for one in draw_rounds(own, Capacity(100.0), arms.__getitem__)[0]}
    for lead in range(60):
        other: list[tuple[Arm, float]] = list(arms)
        other[lead] = ("proposed", 1 - HELD) if arms[lead][0] == "held_back" else ("held_back", HELD)
        begun = {one.lead: one.proposal for one in draw_rounds(own, Capacity(100.0), other.__getitem__)[0]}
        assert begun.get(lead) == as_it_is.get(lead)


def test_without_limits_everybody_begins_at_once() -> None:
    own, _ = wishes(7, 50)
    begun, waiting = drawn(own, key(1), Capacity())
    assert [one.lead for one in begun] == list(range(50))
    assert waiting == []


@pytest.mark.parametrize("days", [1, 3])
def test_the_uplift_is_unbiased_and_its_interval_holds_the_truth(days: int) -> None:
    random, off, held = np.random.default_rng(days), [], 0
    worlds = 200
    for world in range(worlds):
        rows, truth = _world(random, world, days)
        found = uplifts(rows)[0]
        assert found.difference is not None
        assert found.low is not None
        assert found.high is not None
        off.append(found.difference - truth)
        held += found.low <= truth <= found.high
    assert abs(np.mean(off)) < 3 * np.std(off) / np.sqrt(worlds)
    assert 0.92 <= held / worlds <= 0.99


def _world(random: np.random.Generator, world: int, days: int) -> tuple[list[Tried], float]:
    """Return what came of the leads of some days, on each of which new ones join those that wait.

    A proposal keeps half of those who would leave: the truth is half the mean risk of the leads in a round.
    """
    own: list[Sequence[Proposal]] = []
    risks: list[float] = []
    rows: list[Tried] = []
    kept: list[float] = []
    waiting: list[int] = []
    for day in range(days):
        new, likely = wishes(1000 * world + day, 600 // days)
        waiting += range(len(own), len(own) + len(new))
        own, risks = own + new, risks + likely
        begun, rest = draw_rounds(
            [own[lead] for lead in waiting],
            Capacity(840.0 / days, {"call": 8}),
            lambda at: arm_of(key(world), f"lead-{waiting[at]}", 0, held_back=HELD),  # noqa: B023 - used at once
        )
        for one in begun:
            risk = risks[waiting[one.lead]]
            kept.append(KEPT * risk)
            left = random.random() < risk * ((1 - KEPT) if one.arm == "proposed" else 1.0)
            rows.append(Tried(one.proposal.kind, one.arm, one.propensity, bool(left)))
        waiting = [waiting[at] for at in rest]
    return rows, float(np.mean(kept))
