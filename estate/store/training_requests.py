"""Who asked for a training, why, and what became of it.

::

    waiting ──► dispatched ──► running ──► done
       ▲            │           │  │
       ├── silent ──┘           │  ├─────► failed         merged: another waiting request does its work
       ├────── killed ──────────┤  │                      refused: by the governor, for good
       └────── put off ─────────┘  └─────► refused

A trigger is never lost: it waits, is merged into one that waits, is refused with a reason, or is answered by
the row it made before. :mod:`estate.store.training_claims` decides which one is trained, and when.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.store import training_leases
from estate.store.governor_decisions import note
from estate.store.locks import lock_key
from estate.store.training_tables import training_requests as table

Cause = Literal["schedule", "drift", "quality", "person", "api"]
State = Literal["waiting", "dispatched", "running", "done", "failed", "merged", "refused"]
ENDED: tuple[State, ...] = ("done", "failed", "merged", "refused")

# A killed run may be run again from its start, so `running` can follow `failed` and `done`.
_BEFORE: dict[State, tuple[State, ...]] = {
    "dispatched": ("waiting", "dispatched"),
    "running": ("waiting", "dispatched", "running", "failed", "done"),
    "done": ("dispatched", "running", "done"),
    "failed": ("waiting", "dispatched", "running", "failed"),
    "refused": ("waiting", "running"),
}


@dataclass(frozen=True)
class Request:
    """A wish for a training.

    Parameters
    ----------
    request_id, model : str
    cause : str
        ``schedule``, ``drift``, ``quality`` (it fell), ``person`` or ``api``.
    detail : str
        For a person: what set it off.
    dedupe_key : str or None
        The same trigger twice is one request.
    as_of : datetime or None
        The training may know nothing later; None until it starts: then the moment of its first start.
    state : str
    reason : str or None
        Why it is in that state, where that isn't plain.
    flow_run_id : str or None
    requested_at, changed_at : datetime
    who : str
        The person who asked, by name; or the cause.
    version : str or None
        The version that an alarm is about.
    due_at : datetime or None
        The hour of the schedule.
    not_before : datetime or None
        Put off until then.
    """

    request_id: str
    model: str
    cause: Cause
    detail: str
    dedupe_key: str | None
    as_of: datetime | None
    state: State
    reason: str | None
    flow_run_id: str | None
    requested_at: datetime
    changed_at: datetime
    who: str = "unknown"
    version: str | None = None
    due_at: datetime | None = None
    not_before: datetime | None = None


def request_training(  # noqa: PLR0913 - what is asked, by keyword
    connection: sa.Connection,
    model: str,
    *,
    cause: Cause,
    detail: str,
    dedupe_key: str | None = None,
    as_of: datetime | None = None,
    who: str | None = None,
    version: str | None = None,
    due_at: datetime | None = None,
) -> Request:
    """Ask for a training and return the request as it stands.

    With a ``dedupe_key`` that was used before, the earlier request is returned and nothing is written. While
    another request of the same cause waits, for the same ``as_of`` and about the same version, the new one is
    kept as ``merged``.

    Parameters
    ----------
    connection : Connection
    model, cause, detail : str
    dedupe_key : str, optional
    as_of : datetime, optional
    who : str, optional
    version : str, optional
        The version that an alarm is about: once it is replaced, the alarm is answered.
    due_at : datetime, optional
        The hour of the schedule: a training that knows more than that answers it.

    Raises
    ------
    StoreError
        If the ``dedupe_key`` belongs to another model.
    """
    _lock(connection, model)
    waiting = connection.execute(
        sa.select(table.c.request_id).where(
            table.c.model == model,
            table.c.state == "waiting",
            table.c.cause == cause,
            table.c.as_of.is_not_distinct_from(as_of),
            table.c.version.is_not_distinct_from(version),
        )
    ).scalar()
    moment, reason = now(), f"request {waiting} was already waiting"
    made = connection.execute(
        insert(table)
        .values(
            request_id=str(uuid.uuid4()),
            model=model,
            cause=cause,
            detail=detail,
            dedupe_key=dedupe_key,
            as_of=as_of,
            who=who or cause,
            version=version,
            due_at=due_at,
            state="merged" if waiting else "waiting",
            reason=reason if waiting else None,
            requested_at=moment,
            changed_at=moment,
        )
        .on_conflict_do_nothing(index_elements=[table.c.dedupe_key])
        .returning(table)
    ).one_or_none()
    if made is None:
        return _earlier(connection, model, dedupe_key)
    if waiting:
        note(connection, made.request_id, model, decision="merged", reason=reason)
        latest = sa.func.greatest(table.c.due_at, sa.cast(due_at, table.c.due_at.type))
        connection.execute(sa.update(table).where(table.c.request_id == waiting).values(due_at=latest))
    return request_of(made)


def _earlier(connection: sa.Connection, model: str, dedupe_key: str | None) -> Request:
    found = request_of(connection.execute(sa.select(table).where(table.c.dedupe_key == dedupe_key)).one())
    if found.model != model:
        raise StoreError(f"training request `{dedupe_key}`", expected=f"model {model}", got=found.model)
    return found


def mark(
    connection: sa.Connection,
    request_id: str,
    state: Literal["dispatched", "running", "done", "failed", "refused"],
    *,
    reason: str | None = None,
    flow_run_id: str | None = None,
) -> Request:
    """Write what became of a request; the same mark again only says that the run is alive.

    The first ``running`` fixes the request's ``as_of``: a run that is repeated sees the same world.

    Raises
    ------
    StoreError
        If there is no such request, or it can't come to that state from the one that it is in.
    """
    changed = connection.execute(
        sa.update(table)
        .where(table.c.request_id == request_id, table.c.state.in_(_BEFORE[state]))
        .values(
            state=state,
            reason=reason,
            as_of=sa.func.coalesce(table.c.as_of, now()) if state == "running" else table.c.as_of,
            flow_run_id=sa.func.coalesce(sa.cast(flow_run_id, sa.Text), table.c.flow_run_id),
            changed_at=now(),
        )
        .returning(table)
    ).one_or_none()
    if changed is None:
        raise StoreError(
            f"training request {request_id}",
            expected=f"one of {', '.join(_BEFORE[state])} before {state}",
            got=get(connection, request_id).state,
        )
    return request_of(changed)


def take_back(
    connection: sa.Connection, request_id: str, state: Literal["waiting", "failed"], *, reason: str
) -> bool:
    """Let a request wait again, or fail it, whose run ended silently; whether it was still under way."""
    taken = connection.execute(
        sa.update(table)
        .where(table.c.request_id == request_id, table.c.state.in_(["dispatched", "running"]))
        .values(state=state, reason=reason, changed_at=now())
        .returning(table.c.model)
    ).scalar_one_or_none()
    if taken is None:
        return False
    training_leases.free(connection, request_id)
    note(connection, request_id, taken, decision="taken_back", rule="lease", reason=reason)
    return True


def put_off(connection: sa.Connection, request_id: str, until: datetime, *, reason: str) -> Request:
    """Let a running request wait again until a moment; it will see the world of that time."""
    later = connection.execute(
        sa.update(table)
        .where(table.c.request_id == request_id, table.c.state == "running")
        .values(state="waiting", reason=reason, as_of=None, not_before=until, changed_at=now())
        .returning(table)
    ).one()
    return request_of(later)


def get(connection: sa.Connection, request_id: str) -> Request:
    """Return one request.

    Raises
    ------
    StoreError
        If there is none of that id.
    """
    row = connection.execute(sa.select(table).where(table.c.request_id == request_id)).one_or_none()
    if row is None:
        raise StoreError(f"training request {request_id}", expected="a known request", got="none of that id")
    return request_of(row)


def list_requests(
    connection: sa.Connection,
    model: str | None = None,
    *,
    states: tuple[State, ...] = (),
    limit: int = 100,
) -> list[Request]:
    """Return the latest requests, newest first; of one model and in the given states only, where named."""
    query = sa.select(table)
    if model is not None:
        query = query.where(table.c.model == model)
    if states:
        query = query.where(table.c.state.in_(states))
    newest = query.order_by(table.c.requested_at.desc(), table.c.request_id).limit(limit)
    return [request_of(row) for row in connection.execute(newest)]


def request_lock(model: str) -> int:
    """Return the number of the lock under which a model's requests are made and claimed."""
    return lock_key(f"training requests {model}")


def request_of(row: sa.Row[Any]) -> Request:
    """Return a request from its row."""
    return Request(**{name: row._mapping[name] for name in Request.__dataclass_fields__})


def _lock(connection: sa.Connection, model: str) -> None:
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(request_lock(model))))
