"""Leads by when they came, and those that are still to be won or lost."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from estate.core.outcomes import CLOSING
from estate.store.tables import leads, outcomes


def open_lead_ids(
    connection: sa.Connection, *, as_of: datetime, came: tuple[datetime, datetime] | None = None
) -> list[str]:
    """Return the leads that no outcome known at ``as_of`` by both clocks has closed, in order of id.

    Parameters
    ----------
    came : (datetime, datetime), optional
        Only leads that came after the first and not after the second moment.
    """
    query = sa.select(leads.c.lead_id).where(*_open(as_of, came)).order_by(leads.c.lead_id)
    return list(connection.execute(query).scalars())


def newest_open_lead_ids(
    connection: sa.Connection, most: int, *, as_of: datetime, came: tuple[datetime, datetime] | None = None
) -> list[str]:
    """Return :func:`open_lead_ids`, those that came last first, and at most so many."""
    query = sa.select(leads.c.lead_id).where(*_open(as_of, came))
    newest = query.order_by(leads.c.event_at.desc(), leads.c.lead_id).limit(most)
    return list(connection.execute(newest).scalars())


def leads_between(connection: sa.Connection, first: datetime, last: datetime) -> list[str]:
    """Return the leads that came from the first moment to before the last one, in order of id."""
    query = sa.select(leads.c.lead_id).where(
        leads.c.event_at >= first,
        leads.c.event_at < last,
        leads.c.superseded_at == sa.literal_column("'infinity'"),
    )
    return list(connection.execute(query.order_by(leads.c.lead_id)).scalars())


def _open(as_of: datetime, came: tuple[datetime, datetime] | None) -> tuple[sa.ColumnElement[bool], ...]:
    closed = (
        sa.select(sa.literal(1))
        .where(outcomes.c.lead_id == leads.c.lead_id, outcomes.c.kind.in_(CLOSING), *_known(outcomes, as_of))
        .exists()
    )
    window = (leads.c.event_at > came[0], leads.c.event_at <= came[1]) if came is not None else ()
    return (*_known(leads, as_of), ~closed, *window)


def _known(table: sa.Table, as_of: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.event_at <= as_of, table.c.recorded_at <= as_of, table.c.superseded_at > as_of)
