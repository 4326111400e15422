"""What the governor decided on each training request, and why: one row for each change of its mind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from estate.core.clock import now
from estate.store.training_tables import governor_decisions as table

Decided = Literal["merged", "held", "refused", "dispatched", "begun", "taken_back"]


@dataclass(frozen=True)
class GovernorDecision:
    """One decision.

    Parameters
    ----------
    request_id, model : str
    decision : str
        ``merged`` (another request does its work), ``held`` (it waits), ``refused`` (for good),
        ``dispatched``, ``begun`` (a run took it up), ``taken_back`` (its run ended silently).
    rule : str or None
        Of :class:`~estate.core.training_rules.TrainingRules`, or of the lease.
    reason : str
    at : datetime
    """

    request_id: str
    model: str
    decision: Decided
    rule: str | None
    reason: str
    at: datetime


def note(  # noqa: PLR0913 - one row, by keyword
    connection: sa.Connection,
    request_id: str,
    model: str,
    *,
    decision: Decided,
    reason: str,
    rule: str | None = None,
) -> None:
    """Keep a decision."""
    row = {"request_id": request_id, "model": model, "decision": decision, "rule": rule, "reason": reason}
    connection.execute(sa.insert(table).values(**row, at=now()))


def decisions_of(connection: sa.Connection, model: str, *, limit: int = 1000) -> list[GovernorDecision]:
    """Return the latest decisions on a model's requests, newest first."""
    newest = sa.select(table).where(table.c.model == model).order_by(table.c.seq.desc()).limit(limit)
    return [_decision(row) for row in connection.execute(newest)]


def decisions_on(connection: sa.Connection, request_ids: Sequence[str]) -> dict[str, list[GovernorDecision]]:
    """Return the decisions on some requests, oldest first, by request."""
    found: dict[str, list[GovernorDecision]] = {}
    query = sa.select(table).where(table.c.request_id.in_(request_ids)).order_by(table.c.seq)
    for row in connection.execute(query):
        found.setdefault(row.request_id, []).append(_decision(row))
    return found


def times_begun(connection: sa.Connection, request_id: str) -> int:
    """Return how many runs have taken a request up."""
    begun = (table.c.request_id == request_id, table.c.decision == "begun")
    return connection.execute(sa.select(sa.func.count()).select_from(table).where(*begun)).scalar_one()


def begun_since(connection: sa.Connection, model: str, moment: datetime) -> tuple[datetime, ...]:
    """Return when runs of a model have begun since a moment, oldest first."""
    begun = (table.c.model == model, table.c.decision == "begun", table.c.at > moment)
    return tuple(connection.execute(sa.select(table.c.at).where(*begun).order_by(table.c.at)).scalars())


def _decision(row: sa.Row[Any]) -> GovernorDecision:
    return GovernorDecision(row.request_id, row.model, row.decision, row.rule, row.reason, row.at)
