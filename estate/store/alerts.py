"""Who is to be told of which incident, and what became of it: written with the incident, sent afterwards.

::

    waiting ──► sent
       │ └────► failed: nobody took it for a day
       └─► waiting: tried, and due again later

A try is counted before it is made. Whoever is killed between sending and marking leaves a message that waits:
it is
sent once more, and never lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.store.incidents import Incident
from estate.store.watch_tables import alerts as table
from estate.store.watch_tables import incidents

Kind = Literal["opened", "again", "healed"]
State = Literal["waiting", "sent", "failed"]

GIVE_UP_AFTER = timedelta(hours=24)
"""An alert that nobody took for so long is `failed`; while its incident is open it is told again later."""
_LONGEST_PAUSE = timedelta(hours=1)
_NAMESPACE = uuid.UUID("6f1c2a0e-6f57-4f0e-9d2c-3b1f8a7d9e54")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One incident, to be told on one channel.

    Parameters
    ----------
    alert_id, channel : str
    kind : {"opened", "again", "healed"}
    state : {"waiting", "sent", "failed"}
    tries : int
        Sendings that were begun.
    error : str or None
        Class of what the last try ended with.
    at, due_at : datetime
        When it was written, and when it may be sent.
    sent_at : datetime or None
    incident : Incident
        As it stands now.
    """

    alert_id: str
    channel: str
    kind: Kind
    state: State
    tries: int
    error: str | None
    at: datetime
    due_at: datetime
    sent_at: datetime | None
    incident: Incident


def queue(  # noqa: PLR0913 - what it needs, by keyword
    connection: sa.Connection, incident: Incident, channel: str, *, kind: Kind, at: datetime, due_at: datetime
) -> None:
    """Have an incident told on a channel; the same kind again is nothing new, except `again`.

    Parameters
    ----------
    due_at : datetime
        Not before this moment: the end of the quiet hours, or ``at``.
    """
    turn = _told(connection, incident, channel) if kind == "again" else 0
    name = f"{incident.incident_id} {channel} {kind} {turn}"
    row = {
        "alert_id": str(uuid.uuid5(_NAMESPACE, name)),
        "incident_id": incident.incident_id,
        "channel": channel,
        "kind": kind,
        "state": "waiting",
        "tries": 0,
        "at": at,
        "due_at": due_at,
    }
    connection.execute(insert(table).values(row).on_conflict_do_nothing())


def untold(
    connection: sa.Connection, channel: str, *, before: datetime
) -> list[tuple[Incident, Literal["opened", "again"]]]:
    """Return open incidents that this channel has never been told of, or not since a moment.

    Incidents of severity ``info`` are told to nobody.
    """
    last = (
        sa.select(table.c.incident_id, sa.func.max(table.c.at).label("last"))
        .where(table.c.channel == channel)
        .group_by(table.c.incident_id)
        .subquery()
    )
    waiting = sa.exists().where(
        table.c.incident_id == incidents.c.incident_id,
        table.c.channel == channel,
        table.c.state == "waiting",
    )
    query = (
        sa.select(incidents, last.c.last)
        .select_from(incidents.outerjoin(last, incidents.c.incident_id == last.c.incident_id))
        .where(
            incidents.c.resolved_at.is_(None),
            incidents.c.severity != "info",
            sa.or_(last.c.last.is_(None), last.c.last <= before),
            ~waiting,
        )
        .order_by(incidents.c.first_seen, incidents.c.incident_id)
    )
    return [(_incident(row), "again" if row.last else "opened") for row in connection.execute(query)]


def begin_try(connection: sa.Connection, channel: str, *, at: datetime, limit: int = 50) -> list[Alert]:
    """Take what is due on a channel, oldest first, and count a try of each.

    Once anything is due, what was tried before and waits for its next try is taken too: nobody hears that
    something healed before hearing of it. Hold a lock of the channel until the end of the sending.
    """
    due = (table.c.channel == channel) & (table.c.state == "waiting") & (table.c.due_at <= at)
    some = connection.execute(sa.select(sa.func.count()).where(due)).scalar_one()
    if not some:
        return []
    tried = (table.c.channel == channel) & (table.c.state == "waiting") & (table.c.tries > 0)
    rows = _read(connection, sa.or_(due, tried), limit)
    for alert in rows:
        connection.execute(
            sa.update(table)
            .where(table.c.alert_id == alert.alert_id)
            .values(tries=alert.tries + 1, due_at=at + pause_after(alert.tries + 1))
        )
    return rows


def mark_sent(connection: sa.Connection, told: Sequence[Alert], *, at: datetime) -> None:
    """Write down that a channel took these."""
    ids = [alert.alert_id for alert in told]
    connection.execute(
        sa.update(table).where(table.c.alert_id.in_(ids)).values(state="sent", sent_at=at, error=None)
    )


def mark_not_sent(connection: sa.Connection, told: Sequence[Alert], error: str, *, at: datetime) -> int:
    """Write down that a channel did not take these; returns how many are given up."""
    ids = [alert.alert_id for alert in told]
    # A first try that comes late, after a weekend without any sender, is no reason to give up.
    hopeless = (table.c.at < at - GIVE_UP_AFTER) & (table.c.tries >= 5)
    changed = connection.execute(
        sa.update(table)
        .where(table.c.alert_id.in_(ids), table.c.state == "waiting")
        .values(error=error, state=sa.case((hopeless, "failed"), else_="waiting"))
        .returning(table.c.state)
    )
    return sum(state == "failed" for (state,) in changed)


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many tries: doubled each time, at most an hour.

    Examples
    --------
    >>> [pause_after(n).total_seconds() / 60 for n in (1, 2, 3, 9)]
    [1.0, 2.0, 4.0, 60.0]
    """
    return min(timedelta(minutes=2 ** min(tries - 1, 10)), _LONGEST_PAUSE)


def list_alerts(connection: sa.Connection, *, state: State | None = None, limit: int = 1000) -> list[Alert]:
    """Return alerts, oldest first; only in one state, where named."""
    return _read(connection, table.c.state == state if state else sa.true(), limit)


def _told(connection: sa.Connection, incident: Incident, channel: str) -> int:
    query = sa.select(sa.func.count()).where(
        table.c.incident_id == incident.incident_id, table.c.channel == channel
    )
    return connection.execute(query).scalar_one()


def _read(connection: sa.Connection, which: sa.ColumnElement[bool], limit: int) -> list[Alert]:
    own = [table.c[name].label(f"alert_{name}") for name in _OWN]
    query = (
        sa.select(incidents, *own)
        .select_from(table.join(incidents, incidents.c.incident_id == table.c.incident_id))
        .where(which)
        .order_by(table.c.at, table.c.alert_id)
        .limit(limit)
    )
    return [_alert(row) for row in connection.execute(query)]


_OWN = ("alert_id", "channel", "kind", "state", "tries", "error", "at", "due_at", "sent_at")


def _alert(row: sa.Row[Any]) -> Alert:
    own = {name: row._mapping[f"alert_{name}"] for name in _OWN}
    return Alert(incident=_incident(row), **own)


def _incident(row: sa.Row[Any]) -> Incident:
    fields = {column.name: row._mapping[column.name] for column in incidents.c}
    return Incident(**{**fields, "column": fields["column"] or None})
