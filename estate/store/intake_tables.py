"""Tables of what comes from other systems: the CRM's events, and how far its tables were read."""

from __future__ import annotations

import sqlalchemy as sa

from estate.store.tables import metadata

_time = sa.DateTime(timezone=True)

received_events = sa.Table(
    "received_events",
    metadata,
    sa.Column("event_key", sa.Text, primary_key=True),  # of the sender; the same again is the same event
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("object", sa.Text),  # what of the CRM's it is about, such as "contact:17"
    sa.Column("lead_id", sa.Text),
    sa.Column("changed_at", _time),  # by the sender's clock: the order of an object's events
    sa.Column("received_at", _time, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # applied, outdated, ignored, refused
    sa.Column("reason", sa.Text),
    sa.Column("fact_kind", sa.Text),  # of the fact that it became
    sa.Column("fact_id", sa.Text),
    sa.Column("body", sa.LargeBinary),  # of refused ones only: they can be tried again
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Index("ix_received_events_object", "object", "changed_at"),
    sa.Index("ix_received_events_lead", "lead_id"),
    sa.Index("ix_received_events_received", "received_at"),
)

extractions = sa.Table(
    "extractions",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("watermark", _time),  # of the newest row that was read; none: nothing was read yet
    sa.Column("whole_at", _time),  # when everything had been read for the first time
    sa.Column("rows_read", sa.BigInteger, nullable=False),
    sa.Column("rows_refused", sa.BigInteger, nullable=False),
    sa.Column("read_at", _time, nullable=False),
)
