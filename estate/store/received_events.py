"""What came of the events that a CRM sent: each is known by its key, and applied once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.store.intake_tables import received_events
from estate.store.locks import lock_key

EventState = Literal["applied", "outdated", "ignored", "refused"]
"""``outdated``: a later change of the same object was applied before it came."""


@dataclass(frozen=True, kw_only=True)
class ReceivedEvent:
    """One event, and what became of it.

    Parameters
    ----------
    event_key : str
        The sender's key of it.
    type : str
        The sender's name of its kind.
    object : str or None
        What it is about, such as ``"contact:17"``.
    lead_id : str or None
    changed_at : datetime or None
        By the sender's clock.
    received_at : datetime
    state : {"applied", "outdated", "ignored", "refused"}
    reason : str or None
        Why it was not applied; holds no value of the event.
    fact_kind, fact_id : str or None
        The fact that it became.
    body : bytes or None
        As it came; kept of refused events only.
    body_digest : str
        SHA-256.
    """

    event_key: str
    type: str
    object: str | None
    lead_id: str | None
    changed_at: datetime | None
    received_at: datetime
    state: EventState
    reason: str | None = None
    fact_kind: str | None = None
    fact_id: str | None = None
    body: bytes | None = None
    body_digest: str


@dataclass(frozen=True)
class LastChange:
    """The latest change of an object that was applied, and the fact that it left."""

    changed_at: datetime
    fact_kind: str | None
    fact_id: str | None


def claim(connection: sa.Connection, event_key: str) -> ReceivedEvent | None:
    """Hold an event's key until the transaction ends; returns what is known of it already.

    Whoever brings the same event at the same time waits, and then finds what became of it.
    """
    _lock(connection, f"event {event_key}")
    row = connection.execute(
        sa.select(received_events).where(received_events.c.event_key == event_key)
    ).one_or_none()
    return ReceivedEvent(**row._asdict()) if row is not None else None


def last_change(connection: sa.Connection, of: str) -> LastChange | None:
    """Return the latest applied change of an object, and hold the object until the transaction ends."""
    _lock(connection, f"object {of}")
    columns = received_events.c
    row = connection.execute(
        sa.select(columns.changed_at, columns.fact_kind, columns.fact_id)
        .where(columns.object == of, columns.state == "applied", columns.changed_at.is_not(None))
        .order_by(columns.changed_at.desc(), columns.received_at.desc())
        .limit(1)
    ).one_or_none()
    return LastChange(*row) if row is not None else None


def keep(connection: sa.Connection, event: ReceivedEvent) -> None:
    """Keep an event, or what became of it now where it was refused before."""
    values = vars(event)
    made = insert(received_events).values(values)
    changed = {name: value for name, value in values.items() if name not in ("event_key", "received_at")}
    connection.execute(made.on_conflict_do_update(index_elements=["event_key"], set_=changed))


def list_events(
    connection: sa.Connection, *, state: EventState | None = None, limit: int = 100
) -> list[ReceivedEvent]:
    """Return events, the latest first."""
    query = sa.select(received_events).order_by(received_events.c.received_at.desc()).limit(limit)
    if state is not None:
        query = query.where(received_events.c.state == state)
    return [ReceivedEvent(**row._asdict()) for row in connection.execute(query)]


def count_events(connection: sa.Connection) -> dict[str, int]:
    """Count events by their state."""
    query = sa.select(received_events.c.state, sa.func.count()).group_by(received_events.c.state)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def refused_keys(connection: sa.Connection) -> list[str]:
    """Return the keys of all refused events, in the order in which they were received."""
    query = (
        sa.select(received_events.c.event_key)
        .where(received_events.c.state == "refused", received_events.c.body.is_not(None))
        .order_by(received_events.c.received_at)
    )
    return list(connection.execute(query).scalars())


def _lock(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_key(name))))
