"""Who asked for a training, why, and what became of it.

::

    waiting ──► dispatched ──► running ──► done
       ▲            │             │
       ├── silent ──┘             ├─────► failed          merged: another waiting request does its work
       └────── killed ────────────┘

A trigger is never lost: it waits, is merged into one that waits, or is answered by the row it made before.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.finding_codes import CODES
from estate.store.locks import lock_key
from estate.store.tables import training_requests as table
from estate.store.watch_tables import incidents

Cause = Literal["schedule", "drift", "quality", "person", "api"]
State = Literal["waiting", "dispatched", "running", "done", "failed", "merged"]

START_WITHIN = timedelta(minutes=15)
"""A dispatched request that is not running after so long was lost on its way and waits again."""
SILENT_AFTER = timedelta(hours=2)
"""A running request that was not marked for so long is given up; a long training marks itself again."""

# A killed run may be run again from its start, so `running` can follow `failed` and `done`.
_BEFORE: dict[State, tuple[State, ...]] = {
    "dispatched": ("waiting", "dispatched"),
    "running": ("waiting", "dispatched", "running", "failed", "done"),
    "done": ("dispatched", "running", "done"),
    "failed": ("waiting", "dispatched", "running", "failed"),
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


def request_training(  # noqa: PLR0913 - what is asked, by keyword
    connection: sa.Connection,
    model: str,
    *,
    cause: Cause,
    detail: str,
    dedupe_key: str | None = None,
    as_of: datetime | None = None,
    who: str | None = None,
) -> Request:
    """Ask for a training and return the request as it stands.

    With a ``dedupe_key`` that was used before, the earlier request is returned and nothing is written. While
    another request of the model with the same ``as_of`` waits, the new one is kept as ``merged``.

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
            table.c.as_of.is_not_distinct_from(as_of),
        )
    ).scalar()
    moment = now()
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
            state="merged" if waiting else "waiting",
            reason=f"request {waiting} was already waiting" if waiting else None,
            requested_at=moment,
            changed_at=moment,
        )
        .on_conflict_do_nothing(index_elements=[table.c.dedupe_key])
        .returning(table)
    ).one_or_none()
    return _request(made) if made else _earlier(connection, model, dedupe_key)


def _earlier(connection: sa.Connection, model: str, dedupe_key: str | None) -> Request:
    found = _request(connection.execute(sa.select(table).where(table.c.dedupe_key == dedupe_key)).one())
    if found.model != model:
        raise StoreError(f"training request `{dedupe_key}`", expected=f"model {model}", got=found.model)
    return found


def claim_waiting(connection: sa.Connection) -> list[Request]:
    """Take the oldest waiting request of each model that is not being trained, and mark it ``dispatched``.

    Two callers at once never get the same request, nor two requests of one model. Requests whose run was lost
    are put back (``dispatched``) or given up (``running``) first. Start the run with ``request_id`` as its
    idempotency key: a request that was put back may be claimed twice.

    While an incident of broken data is open, only what a person asked for is claimed.
    """
    _settle_lost(connection)
    models = connection.execute(
        sa.select(table.c.model).where(table.c.state == "waiting").distinct().order_by(table.c.model)
    ).scalars()
    claimed = []
    for model in models.all():
        # Row locks alone would let a second caller take the model's next row.
        if connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_key(model)))).scalar():
            claimed += _claim(connection, model)
    return claimed


def _claim(connection: sa.Connection, model: str) -> list[Request]:
    other = table.alias()
    busy = sa.exists().where(other.c.model == model, other.c.state.in_(["dispatched", "running"]))
    may = table.c.cause == "person" if _hold_broken(connection, model) else sa.true()
    oldest = (
        sa.select(table.c.request_id)
        .where(table.c.model == model, table.c.state == "waiting", ~busy, may)
        .order_by(table.c.requested_at, table.c.request_id)
        .limit(1)
        .with_for_update(skip_locked=True, of=table)
    )
    rows = connection.execute(
        sa.update(table)
        .where(table.c.request_id.in_(oldest.scalar_subquery()))
        .values(state="dispatched", reason=None, changed_at=now())
        .returning(table)
    )
    return [_request(row) for row in rows]


def _hold_broken(connection: sa.Connection, model: str) -> bool:
    """Say whether broken data keep a model from being trained, and write that on the requests that wait.

    They wait until the data are whole; what a person asks for is trained all the same.
    """
    codes = [code for code, meaning in CODES.items() if meaning.breaks_training]
    columns = incidents.c
    open_codes = connection.execute(
        sa.select(columns.code)
        .where(columns.model == model, columns.code.in_(codes), columns.resolved_at.is_(None))
        .distinct()
        .order_by(columns.code)
    ).scalars()
    found = ", ".join(open_codes)
    reason = f"the data are broken ({found}): see `leadloop incidents`"
    if found:
        waits = (table.c.model == model, table.c.state == "waiting", table.c.cause != "person")
        news = table.c.reason.is_distinct_from(reason)
        connection.execute(sa.update(table).where(*waits, news).values(reason=reason))
    return bool(found)


def _settle_lost(connection: sa.Connection) -> None:
    moment = now()
    for state, silent, becomes, reason in (
        ("dispatched", START_WITHIN, "waiting", f"no run started within {START_WITHIN}: waits again"),
        ("running", SILENT_AFTER, "failed", f"no sign of life for {SILENT_AFTER}"),
    ):
        lost = (
            sa.select(table.c.request_id)
            .where(table.c.state == state, table.c.changed_at < moment - silent)
            .with_for_update(skip_locked=True)
        )
        connection.execute(
            sa.update(table)
            .where(table.c.request_id.in_(lost))
            .values(state=becomes, reason=reason, changed_at=moment)
        )


def mark(
    connection: sa.Connection,
    request_id: str,
    state: Literal["dispatched", "running", "done", "failed"],
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
    return _request(changed)


def take_back(
    connection: sa.Connection, request_id: str, state: Literal["waiting", "failed"], *, reason: str
) -> bool:
    """Let a request wait again, or fail it, whose run ended silently; whether it was still under way."""
    taken = connection.execute(
        sa.update(table)
        .where(table.c.request_id == request_id, table.c.state.in_(["dispatched", "running"]))
        .values(state=state, reason=reason, changed_at=now())
    )
    return taken.rowcount > 0


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
    return _request(row)


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
    return [_request(row) for row in connection.execute(newest)]


def _lock(connection: sa.Connection, model: str) -> None:
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_key(model))))


def _key(model: str) -> int:
    return lock_key(f"training requests {model}")


def _request(row: sa.Row[Any]) -> Request:
    return Request(**row._mapping)
