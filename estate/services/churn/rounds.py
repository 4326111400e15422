"""The round that a lead is in: what was proposed to it, or that nothing is, by chance."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from estate.services.churn.choosing import arm_of
from estate.services.churn.schema import Arm, ChurnAnswer, Round
from estate.store.database import Database
from estate.store.interventions import draw_key, find_intervention, next_rounds, waits

HELD_BACK = (
    "nothing is proposed in this round: the lead was drawn to be held back, so that it can be told what "
    "interventions do"
)
WAITING = (
    "nothing is proposed yet: the lead waits, since the desk's day is full; the next pass looks at it again"
)
UNKNOWN = (
    "nothing is proposed: whether the lead is held back by chance is not known while the database is away"
)


def present_round(database: Database, lead_id: str, *, as_of: datetime, held_back: float) -> Round:
    """Return the round that a lead is in, or the arm that it will have in the one that the next pass begins.

    Raises
    ------
    StoreError
        If the database is away.
    """
    with database.begin() as connection:
        found = find_intervention(connection, lead_id)
        coming = next_rounds(connection, [lead_id], as_of=as_of)
        key = draw_key(connection)
        waiting = waits(connection, lead_id, as_of=as_of)
    if found is not None and lead_id not in coming:
        arm: Arm = "held_back" if found.arm == "held_back" else "proposed"
        return Round(found.round, arm, found.kind, found.at, found.events)
    if waiting:
        return Round(coming[lead_id], "waiting", None, None, ())
    arm, _ = arm_of(key, lead_id, coming[lead_id], held_back=held_back)
    return Round(coming[lead_id], arm, None, None, ())


def in_round(answer: ChurnAnswer, present: Round | None) -> ChurnAnswer:
    """Return the answer as it may be told: a lead that is held back, or may be, is proposed nothing.

    Nor is one that waits, whichever arm it will be drawn into: what is done about it before would make those
    whose rounds begin another kind of leads in one arm than in the other.
    """
    if present is None:
        return replace(answer, proposals=(), notes=(*answer.notes, UNKNOWN))
    if present.arm == "proposed":
        return replace(answer, round=present)
    why = HELD_BACK if present.arm == "held_back" else WAITING
    return replace(answer, round=present, proposals=(), notes=(*answer.notes, why))
