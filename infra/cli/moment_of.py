"""What served at a moment, and who decided it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from estate.core.prediction import AnsweredBy
from estate.store import ledger, predictions
from estate.store.database import Database
from estate.store.ledger import Entry


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered about a case.

    Parameters
    ----------
    prediction_id, lead, version : str
    answered_by : AnsweredBy
    score : float
    label : str or None
    at : datetime
    in_force : str or None
        Version that the ledger had put into production at that moment.
    remark : str
        Why another version than that one answered; empty if it was that one.
    """

    prediction_id: str
    lead: str
    version: str
    answered_by: AnsweredBy
    score: float
    label: str | None
    at: datetime
    in_force: str | None
    remark: str


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A model at a moment.

    Parameters
    ----------
    model : str
    at : datetime
    in_force : Entry or None
        The decision whose version was in production.
    rollout : Entry or None
        The decision that had started a rollout which was still open.
    lead : str or None
        Whom was asked for; ``answer`` is the latest one about it, None if there was none until then.
    """

    model: str
    at: datetime
    in_force: Entry | None
    rollout: Entry | None
    lead: str | None
    answer: Answer | None


def moment_of(database: Database, model: str, at: datetime, *, lead: str | None = None) -> Moment:
    """Ask the ledger and the predictions; the ledger's whole chain is checked first.

    Raises
    ------
    StoreError
        If the ledger was tampered with, or the database is away.
    """
    with database.begin() as connection:
        ledger.verify(connection)
        in_force = ledger.current(connection, model, at=at)
        rollout = ledger.open_rollout(connection, model, at=at)
        found = predictions.latest_of(connection, model, lead, until=at) if lead is not None else None
        answer = None
        if found is not None and lead is not None:
            then = ledger.current(connection, model, at=found.at)
            rolling = ledger.open_rollout(connection, model, at=found.at)
            answer = Answer(
                prediction_id=found.prediction_id,
                lead=lead,
                version=found.version,
                answered_by=found.answered_by,
                score=found.score,
                label=found.label,
                at=found.at,
                in_force=then.to_version if then else None,
                remark=_remark(found.version, found.answered_by, then, rolling),
            )
    return Moment(model=model, at=at, in_force=in_force, rollout=rollout, lead=lead, answer=answer)


def _remark(version: str, by: AnsweredBy, then: Entry | None, rolling: Entry | None) -> str:
    expected = f"version {then.to_version} was in force" if then else "no version was in production"
    match by:
        case AnsweredBy.RULES:
            return f"the rules answered, {expected}"
        case AnsweredBy.LAST_GOOD if then is None or then.to_version != version:
            return f"the last good version answered from disk, {expected}"
        case AnsweredBy.LAST_GOOD:
            return "from disk, since the registry or the database did not answer"
        case AnsweredBy.MODEL if then is not None and then.to_version == version:
            return ""
        case AnsweredBy.MODEL if rolling is not None and rolling.to_version == version:
            return f"the version that was being rolled out answered (ledger row {rolling.seq}), {expected}"
        case AnsweredBy.MODEL:
            return f"another version answered: {expected}, the process had not taken it up"
