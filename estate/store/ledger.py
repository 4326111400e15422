"""Who put which version into production, when, why: append-only, each row bound to the one before by a hash.

The ledger is what serving follows. A row that was changed, taken out, put in or moved breaks the chain, and
:func:`verify` names it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from estate.core.clock import now
from estate.store.ledger_chain import check_chain, row_hash
from estate.store.locks import lock_key
from estate.store.tables import ledger

Decision = Literal["promoted", "rolled_back", "refused", "started", "aborted", "ended"]
"""Three answers to what somebody asks for. And a rollout in steps: ``started``, then ``promoted``,
``aborted`` (by itself or by a person) or ``ended`` (a shadow that has seen enough)."""
CHANNEL = "ledger"
"""Postgres channel on which every new row's model is announced."""
_ACCEPTED = ("promoted", "rolled_back")
_MOVES = (*_ACCEPTED, "started", "aborted", "ended")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be written down.

    Parameters
    ----------
    model, to_version : str
        The version that somebody asked for.
    decision : {"promoted", "rolled_back", "refused", "started", "aborted", "ended"}
    who, why : str
    evidence_digest : str, optional
        Of the evidence that the decision rests on; None if there was none.
    rollout : str, optional
        How it goes into production, as :meth:`Rollout.to_json` writes it; None where it is there at once.
    """

    model: str
    decision: Decision
    to_version: str
    who: str
    why: str
    evidence_digest: str | None = None
    rollout: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry(Order):
    """One row of the ledger.

    Parameters
    ----------
    seq : int
        Rises with time; gaps are possible.
    from_version : str or None
        What was in production before the decision.
    at : datetime
    previous_hash, hash : str
        SHA-256 in hex; ``previous_hash`` of the first row is empty.
    """

    seq: int
    from_version: str | None
    at: datetime
    previous_hash: str
    hash: str

    @property
    def accepted(self) -> bool:
        """Whether this decision put a version into production."""
        return self.decision in _ACCEPTED


def hold(connection: sa.Connection) -> None:
    """Let nobody else write until the transaction's end: what was read since then is still so at `append`."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_key("ledger"))))


def append(connection: sa.Connection, order: Order) -> Entry:
    """Write a decision down and announce its model on channel ``ledger``, both with the transaction's end.

    Writers wait for each other until their transactions end, so the chain never forks.
    """
    hold(connection)
    last = connection.execute(sa.select(ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)).scalar()
    present = current(connection, order.model)
    row = asdict(order) | {
        "from_version": present.to_version if present else None,
        "at": now(),
        "previous_hash": last or "",
    }
    row["hash"] = row_hash(row)
    stored = connection.execute(ledger.insert().values(row).returning(ledger)).one()
    connection.execute(sa.select(sa.func.pg_notify(CHANNEL, order.model)))
    return Entry(**stored._mapping)


def current(connection: sa.Connection, model: str, *, at: datetime | None = None) -> Entry | None:
    """Return the decision that put the production version there; None if there is none yet.

    Parameters
    ----------
    at : datetime, optional
        The version in force at that moment; the present one if not given.
    """
    return _latest(connection, model, _ACCEPTED, at)


def current_all(connection: sa.Connection) -> dict[str, Entry]:
    """Return :func:`current` of every model that has one, by model."""
    query = (
        sa.select(ledger)
        .distinct(ledger.c.model)
        .where(ledger.c.decision.in_(_ACCEPTED))
        .order_by(ledger.c.model, ledger.c.seq.desc())
    )
    return {row.model: Entry(**row._mapping) for row in connection.execute(query)}


def open_rollouts(connection: sa.Connection) -> dict[str, Entry]:
    """Return the row that started a rollout which has not ended yet, by model.

    A later promotion, rollback or other rollout of the model ends it; a refusal does not.
    """
    query = (
        sa.select(ledger)
        .distinct(ledger.c.model)
        .where(ledger.c.decision.in_(_MOVES))
        .order_by(ledger.c.model, ledger.c.seq.desc())
    )
    rows = connection.execute(query)
    return {row.model: Entry(**row._mapping) for row in rows if row.decision == "started"}


def open_rollout(connection: sa.Connection, model: str, *, at: datetime | None = None) -> Entry | None:
    """Return :func:`open_rollouts` of one model, now or at a moment."""
    found = _latest(connection, model, _MOVES, at)
    return found if found is not None and found.decision == "started" else None


def _latest(
    connection: sa.Connection, model: str, decisions: tuple[str, ...], at: datetime | None
) -> Entry | None:
    query = sa.select(ledger).where(ledger.c.model == model, ledger.c.decision.in_(decisions))
    if at is not None:
        query = query.where(ledger.c.at <= at)
    row = connection.execute(query.order_by(ledger.c.seq.desc()).limit(1)).one_or_none()
    return Entry(**row._mapping) if row else None


def last_seq(connection: sa.Connection) -> int:
    """Return the number of the newest row, 0 if there is none: unchanged, nothing was decided since."""
    return int(connection.execute(sa.select(sa.func.max(ledger.c.seq))).scalar() or 0)


def history(connection: sa.Connection, model: str) -> list[Entry]:
    """Return every decision about a model, oldest first."""
    query = sa.select(ledger).where(ledger.c.model == model).order_by(ledger.c.seq)
    return [Entry(**row._mapping) for row in connection.execute(query)]


def verify(connection: sa.Connection) -> int:
    """Check the whole chain; return its number of rows.

    Raises
    ------
    StoreError
        As :func:`estate.store.ledger_chain.check_chain`.
    """
    return check_chain(connection).rows
