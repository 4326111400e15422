"""Rounds that begin: planned without a look at the draw, then drawn.

Nobody's own draw may have a part in whether its round begins, or with what: else those proposed and those
held back would not be alike, and the uplift would be wrong. So the plan comes first, as if everybody in it
would be proposed. Then each is drawn. What those held back leave of the day is planned once more among those
that wait, and so on until nothing more fits: whether a lead gets in hangs on the draws of others alone, and
each arm has exactly the probability that is kept with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from estate.services.churn.capacity import Capacity
from estate.services.churn.planning import plan
from estate.services.churn.schema import Arm, Proposal


@dataclass(frozen=True)
class Drawn:
    """A round that begins.

    Parameters
    ----------
    lead : int
        Position among the leads.
    proposal : Proposal
        What is proposed, or would be if the lead were not held back.
    arm : {"proposed", "held_back"}
    propensity : float
        The probability of that arm.
    """

    lead: int
    proposal: Proposal
    arm: Arm
    propensity: float


def draw_rounds(
    wishes: Sequence[Sequence[Proposal]], capacity: Capacity, arm_of: Callable[[int], tuple[Arm, float]]
) -> tuple[list[Drawn], list[int]]:
    """Return the rounds that begin within a capacity, and the positions of the leads that wait.

    Parameters
    ----------
    wishes : sequence of sequence of Proposal
        Of n leads, what may be done about each, the best first.
    capacity : Capacity
        Who is held back takes nothing of it.
    arm_of : callable
        From a lead's position to its arm and the probability of that; the same at each call.
    """
    drawn: list[Drawn] = []
    waiting, left = list(range(len(wishes))), capacity
    while waiting:
        planned = plan([wishes[lead] for lead in waiting], left)
        now = [
            Drawn(lead, one, *arm_of(lead))
            for lead, one in zip(waiting, planned, strict=True)
            if one is not None
        ]
        if not now:
            break
        drawn += now
        waiting = [lead for lead, one in zip(waiting, planned, strict=True) if one is None]
        left = left.less(one.proposal.kind for one in now if one.arm == "proposed")
    return drawn, waiting
