"""Carry out what the reports of an open rollout ask for: one row of the ledger, whoever else looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estate.core.clock import now
from estate.core.rollout import Rollout, RolloutReport
from estate.store import ledger, rollout_reports
from estate.store.database import Database
from estate.store.ledger import Decision, Entry, Order
from model_registry.connection import Registry
from model_registry.proof import unproven
from model_registry.rollouts import Verdict, verdict

if TYPE_CHECKING:
    from sqlalchemy import Connection

_DECISIONS: Mapping[str, Decision] = {"promote": "promoted", "abort": "aborted", "end": "ended"}


@dataclass(frozen=True, kw_only=True)
class RolloutState:
    """How an open rollout goes.

    Parameters
    ----------
    started : Entry
    rollout : Rollout
    reports : sequence of RolloutReport
        One a serving process, silent ones among them.
    verdict : Verdict
        What the reconciler does at its next look.
    """

    started: Entry
    rollout: Rollout
    reports: Sequence[RolloutReport]
    verdict: Verdict


def rollout_state(database: Database, model: str) -> RolloutState | None:
    """Return how the open rollout of a model goes; None if none is open.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    with database.begin() as connection:
        started = ledger.open_rollout(connection, model)
        return _state(connection, started) if started else None


def conclude_rollouts(database: Database, registry: Registry, opened: Mapping[str, Entry]) -> list[Entry]:
    """Promote, abort or end the rollouts whose reports say so; the registry is settled afterwards.

    Parameters
    ----------
    opened : mapping
        The row that started each, by model.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    made: list[Entry] = []
    for started in opened.values():
        with database.begin() as connection:
            found = _state(connection, started).verdict
            if found.action == "go_on":
                continue
            ledger.hold(connection)
            present = ledger.open_rollout(connection, started.model)
            if present is None or present.seq != started.seq:
                continue  # somebody else has ended it meanwhile
            made.append(ledger.append(connection, _order(registry, connection, started, found)))
    return made


def _state(connection: Connection, started: Entry) -> RolloutState:
    rollout = Rollout.from_json(started.rollout or Rollout().to_json())
    reports = rollout_reports.read(connection, started.seq)
    return RolloutState(
        started=started, rollout=rollout, reports=reports, verdict=verdict(rollout, reports, now())
    )


def _order(registry: Registry, connection: Connection, started: Entry, found: Verdict) -> Order:
    decision, why = _DECISIONS[found.action], found.why
    if decision == "promoted" and (reason := unproven(registry, connection, started)):
        decision, why = "aborted", reason
    return Order(
        model=started.model,
        decision=decision,
        to_version=started.to_version,
        who=f"rollout: started by {started.who}",
        why=why,
        evidence_digest=started.evidence_digest,
    )
