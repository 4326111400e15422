"""Tables of what was proposed to keep leads, what was made of it, and what is known of the desk."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from estate.store.tables import metadata

_time = sa.DateTime(timezone=True)

intervention_salt = sa.Table(
    "intervention_salt", metadata, sa.Column("salt", sa.LargeBinary, nullable=False)
)  # one row: the key by which arms are drawn

interventions = sa.Table(
    "interventions",
    metadata,
    sa.Column("intervention_id", sa.Uuid(as_uuid=False), primary_key=True),  # of the lead and its round
    sa.Column("lead_id", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("indicators", ARRAY(sa.Text), nullable=False),
    sa.Column("evidence", ARRAY(sa.Text), nullable=False),
    sa.Column("arm", sa.Text, nullable=False),  # proposed, held_back; waiting
    sa.Column("propensity", sa.Float, nullable=False),  # probability of that arm
    sa.Column("risk", sa.Float, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("effect", sa.Float, nullable=False),  # as it was estimated then
    sa.Column("cost_usd", sa.Float, nullable=False),
    sa.Column("benefit_usd", sa.Float, nullable=False),
    sa.Column("horizon_days", sa.Float, nullable=False),
    sa.Column("at", _time, nullable=False),
    sa.UniqueConstraint("lead_id", "round", name="uq_interventions_lead_round"),
    sa.Index("ix_interventions_at", "at"),
)

intervention_events = sa.Table(
    "intervention_events",
    metadata,
    sa.Column("intervention_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("event", sa.Text, primary_key=True),  # accepted, declined, done
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", _time, nullable=False),
)

churn_desks = sa.Table(
    "churn_desks",
    metadata,
    sa.Column("at", _time, primary_key=True),
    sa.Column("document", JSONB, nullable=False),  # usuals, curves, effects; names no lead
)
