"""Begin the rounds of leads that a desk can turn to today, and keep which ones wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from estate.services.churn.capacity import Capacity
from estate.services.churn.choosing import arm_of
from estate.services.churn.drawing import draw_rounds
from estate.services.churn.indicators import names_of
from estate.services.churn.model import HORIZON_DAYS
from estate.services.churn.schema import ChurnAnswer, Proposal
from estate.store.database import Database
from estate.store.interventions import (
    WAITING,
    Intervention,
    add_interventions,
    draw_key,
    forget_waiting,
)

_WAITING_DAYS = 2.0
"""For so long a lead waits if no pass says so again."""


@dataclass(frozen=True)
class Wish:
    """A lead for which something is worth it.

    Parameters
    ----------
    answer : ChurnAnswer
        With proposals.
    number : int
        Of the round that begins.
    """

    answer: ChurnAnswer
    number: int


def begin_rounds(
    database: Database, wishes: Sequence[Wish], left: Capacity, *, held_back: float
) -> list[Intervention]:
    """Begin the rounds that fit, all of them or none; who waited before and does no more is forgotten.

    Parameters
    ----------
    database : Database
    wishes : sequence of Wish
    left : Capacity
        Of the day.
    held_back : float
        Share of leads that nothing is proposed to, in [0, 1).

    Returns
    -------
    list of Intervention
        Those that are new, and those that wait; none of erased leads.

    Raises
    ------
    StoreError
        If the database is away.
    """
    with database.begin() as connection:
        forget_waiting(connection)
        key = draw_key(connection)
        drawn, waiting = draw_rounds(
            [wish.answer.proposals for wish in wishes],
            left,
            lambda lead: arm_of(key, wishes[lead].answer.lead_id, wishes[lead].number, held_back=held_back),
        )
        rows = [_row(wishes[one.lead], one.proposal, one.arm, one.propensity) for one in drawn]
        rows += [_row(wishes[lead], wishes[lead].answer.proposals[0], WAITING, 1.0) for lead in waiting]
        new = add_interventions(connection, rows)
    return [row for row in rows if row.intervention_id in new]


def _row(wish: Wish, chosen: Proposal, arm: str, propensity: float) -> Intervention:
    answer = wish.answer
    return Intervention(
        lead_id=answer.lead_id,
        round=wish.number,
        kind=chosen.kind,
        indicators=names_of(answer.indicators),
        evidence=tuple(sign.evidence for sign in answer.indicators),
        arm=arm,
        propensity=propensity,
        risk=answer.risk_now,
        level=answer.level,
        source=answer.source,
        version=answer.version,
        effect=chosen.effect,
        cost_usd=chosen.cost_usd,
        benefit_usd=chosen.benefit_usd,
        horizon_days=_WAITING_DAYS if arm == WAITING else float(HORIZON_DAYS),
        at=answer.as_of,
    )
