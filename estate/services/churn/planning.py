"""To which leads a desk turns, and with what, where it can't turn to all of them.

A multiple-choice knapsack: of each lead at most one proposal, together no more than a day has minutes and
than may be of each kind, and as much expected benefit as possible. It is filled greedily. A step takes up a
lead, or does more for one than was planned; each time it is the step that brings most for each further
minute and still fits. Without limits on kinds the plan falls short of the best one by less than the first
step that did not fit: by less than one proposal.

References
----------
Dantzig (1957), "Discrete-variable extremum problems", Operations Research 5: filling by benefit per weight.
Sinha and Zoltners (1979), "The multiple-choice knapsack problem", Operations Research 27: steps between the
choices of one class. Kellerer, Pferschy and Pisinger (2004), "Knapsack Problems", chapter 11. Minoux (1978),
"Accelerated greedy algorithms": a step is looked at again only when it seems to be the best.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from estate.services.churn.capacity import Capacity
from estate.services.churn.schema import Proposal


def plan(wishes: Sequence[Sequence[Proposal]], capacity: Capacity) -> list[Proposal | None]:
    """Choose for each lead one of its proposals, or none; who is drawn to be held back plays no part.

    Parameters
    ----------
    wishes : sequence of sequence of Proposal
        Of n leads, what may be done about each, the best first.
    capacity : Capacity

    Returns
    -------
    list of (Proposal or None)
        n; None where the lead waits.
    """
    if capacity.unlimited:
        return [own[0] for own in wishes]
    chosen: list[Proposal | None] = [None] * len(wishes)
    left = capacity
    steps = [(-math.inf, lead) for lead in range(len(wishes))]
    while steps:
        promised, lead = heapq.heappop(steps)
        rate, step = _best_step(wishes[lead], chosen[lead], left)
        if step is None:
            continue
        if -rate <= promised:
            now = chosen[lead]
            left = left.less([step.kind], again=now.kind if now is not None else None)
            chosen[lead], rate = step, math.inf  # what comes next for it is not known before it is looked at
        heapq.heappush(steps, (-rate, lead))
    return chosen


def _best_step(
    own: Sequence[Proposal], now: Proposal | None, left: Capacity
) -> tuple[float, Proposal | None]:
    """Return what brings most for each further minute, and how much in USD; None where nothing more fits."""
    had, spent, kind = (0.0, 0.0, None) if now is None else (now.benefit_usd, now.minutes, now.kind)
    best: tuple[float, Proposal | None] = (0.0, None)
    for one in own:
        gain, more = one.benefit_usd - had, one.minutes - spent
        if gain > 0 and left.fits(one.kind, instead_of=kind):
            rate = gain / more if more > 0 else math.inf
            if rate > best[0]:
                best = (rate, one)
    return best
