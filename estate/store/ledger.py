"""Who put which version into production, when, why: append-only, each row bound to the one before by a hash.

The ledger is what serving follows. A row that was changed or taken out of the middle breaks the chain and
:func:`verify` names it. A chain can't show that its newest rows were cut off.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.store.locks import lock_key
from estate.store.tables import ledger

Decision = Literal["promoted", "rolled_back", "refused", "started", "aborted", "ended"]
"""Three answers to what somebody asks for. And a rollout in steps: ``started``, then ``promoted``,
``aborted`` (by itself or by a person) or ``ended`` (a shadow that has seen enough)."""
CHANNEL = "ledger"
"""Postgres channel on which every new row's model is announced."""
_ACCEPTED = ("promoted", "rolled_back")
_MOVES = (*_ACCEPTED, "started", "aborted", "ended")
_COLUMNS = ("model", "decision", "from_version", "to_version", "who", "why", "evidence_digest", "rollout")


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


def append(connection: sa.Connection, order: Order) -> Entry:
    """Write a decision down and announce its model on channel ``ledger``, both with the transaction's end.

    Writers wait for each other until their transactions end, so the chain never forks.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_key("ledger"))))
    last = connection.execute(sa.select(ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)).scalar()
    present = current(connection, order.model)
    row = asdict(order) | {
        "from_version": present.to_version if present else None,
        "at": now(),
        "previous_hash": last or "",
    }
    row["hash"] = _hash(row)
    stored = connection.execute(ledger.insert().values(row).returning(ledger)).one()
    connection.execute(sa.select(sa.func.pg_notify(CHANNEL, order.model)))
    return Entry(**stored._mapping)


def current(connection: sa.Connection, model: str) -> Entry | None:
    """Return the decision that put the present production version there; None if there is none yet."""
    query = (
        sa.select(ledger)
        .where(ledger.c.model == model, ledger.c.decision.in_(_ACCEPTED))
        .order_by(ledger.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return Entry(**row._mapping) if row else None


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


def open_rollout(connection: sa.Connection, model: str) -> Entry | None:
    """Return :func:`open_rollouts` of one model."""
    query = (
        sa.select(ledger)
        .where(ledger.c.model == model, ledger.c.decision.in_(_MOVES))
        .order_by(ledger.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return Entry(**row._mapping) if row is not None and row.decision == "started" else None


def history(connection: sa.Connection, model: str) -> list[Entry]:
    """Return every decision about a model, oldest first."""
    query = sa.select(ledger).where(ledger.c.model == model).order_by(ledger.c.seq)
    return [Entry(**row._mapping) for row in connection.execute(query)]


def verify(connection: sa.Connection) -> int:
    """Check the whole chain; return its number of rows.

    Raises
    ------
    StoreError
        Names the first row that was changed, or that does not follow the one before it.
    """
    previous, rows = "", 0
    for row in connection.execute(sa.select(ledger).order_by(ledger.c.seq)):
        entry = dict(row._mapping)
        if row.previous_hash != previous:
            raise _broken(
                row.seq, "previous hash", expected=previous or "none", got=row.previous_hash or "none"
            )
        if (computed := _hash(entry)) != row.hash:
            raise _broken(row.seq, "hash", expected=computed, got=row.hash)
        previous, rows = row.hash, rows + 1
    return rows


def _hash(row: dict[str, object]) -> str:
    at = row["at"]
    moment = at.astimezone(UTC).isoformat() if isinstance(at, datetime) else str(at)
    document = {name: row[name] for name in _COLUMNS} | {"at": moment, "previous_hash": row["previous_hash"]}
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _broken(seq: int, part: str, *, expected: str, got: str) -> StoreError:
    return StoreError(
        f"ledger row {seq}",
        expected=f"{part} {expected}",
        got=got,
        todo="This row, or one before it, was changed outside of Leadloop: compare with a backup.",
    )
