"""Every table of the platform's own database.

Facts carry two clocks: ``event_at`` is when it happened, ``recorded_at`` when we learned of it.
A fact that turns out wrong gets a newer version, and the older one a ``superseded_at``: when the newer one
was recorded. A reader as of time t sees the versions with ``event_at`` and ``recorded_at`` at or before t and
``superseded_at`` after t: at most one of each fact.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData()
_time = sa.DateTime(timezone=True)


SUPERSEDED = "superseded_at"
"""The column of facts that says until when a version was held to be true; infinity for the newest one."""


def _fact(name: str, key: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column(key, sa.Text, primary_key=True),
        *columns,
        sa.Column("event_at", _time, nullable=False),
        sa.Column("recorded_at", _time, nullable=False),
        sa.Column(SUPERSEDED, _time, primary_key=True, server_default="infinity"),
    )


leads = _fact(
    "leads",
    "lead_id",
    sa.Column("source", sa.Text),
    sa.Column("area", sa.Text),
    sa.Column("budget_usd", sa.Float),
    sa.Column("bedrooms_wanted", sa.Float),
    sa.Column("timeline_days", sa.Float),
    sa.Column("financing", sa.Text),
    sa.Column("time_zone", sa.Text),
    sa.Column("campaign", sa.Text),
)
interactions = _fact(
    "interactions",
    "interaction_id",
    sa.Column("lead_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("property_id", sa.Text),
    sa.Column("duration_seconds", sa.Float),
    sa.Column("campaign", sa.Text),
)
messages = _fact(
    "messages",
    "message_id",
    sa.Column("lead_id", sa.Text, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sentiment", sa.Float),  # of the text, when it was stored
)
properties = _fact(
    "properties",
    "property_id",
    sa.Column("area", sa.Text),
    sa.Column("price_usd", sa.Float),
    sa.Column("bedrooms", sa.Float),
    sa.Column("living_area_sqft", sa.Float),
    sa.Column("kind", sa.Text),
)
listings = _fact(
    "listings",
    "listing_id",
    sa.Column("property_id", sa.Text),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("price_usd", sa.Float),
    sa.Column("ended_at", _time),
)
outcomes = _fact(
    "outcomes",
    "outcome_id",
    sa.Column("lead_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
)
market_index = _fact(
    "market_index",
    "index_id",
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("value", sa.Float, nullable=False),
)
FACTS = {
    table.name: table
    for table in (leads, interactions, messages, properties, listings, outcomes, market_index)
}

for _table in (interactions, messages, outcomes):
    sa.Index(f"ix_{_table.name}_lead_event", _table.c.lead_id, _table.c.event_at)
sa.Index("ix_leads_event", leads.c.event_at)
sa.Index("ix_market_index_area_event", market_index.c.area, market_index.c.event_at)
sa.Index("ix_properties_area", properties.c.area)
sa.Index("ix_listings_area_event", listings.c.area, listings.c.event_at)

imports = sa.Table(
    "imports",
    metadata,
    sa.Column(
        "import_id", sa.Text, primary_key=True
    ),  # kind, file and mapping, hashed: the same import again
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("rows_read", sa.BigInteger, nullable=False),
    sa.Column("rows_stored", sa.BigInteger, nullable=False),
    sa.Column("rows_refused", sa.BigInteger, nullable=False),
    sa.Column("started_at", _time, nullable=False),
    sa.Column("finished_at", _time),
)

feature_layouts = sa.Table(
    "feature_layouts",
    metadata,
    sa.Column("layout", sa.BigInteger, primary_key=True, autoincrement=False),  # a hash of the names
    sa.Column("numbers", ARRAY(sa.Text), nullable=False),
    sa.Column("texts", ARRAY(sa.Text), nullable=False),
)

predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("prediction_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("answered_by", sa.Text, nullable=False),
    sa.Column("entity_id", sa.Text),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("features", JSONB),  # of predictions made before there were layouts
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("at", _time, nullable=False),
    sa.Column("layout", sa.BigInteger),  # names of the values in `numbers` and `texts`
    sa.Column("numbers", ARRAY(sa.Float)),  # NaN is missing
    sa.Column("texts", ARRAY(sa.Text)),
    sa.Index("ix_predictions_model_at", "model", "at"),
    sa.Index(
        "ix_predictions_entity_at", "entity_id", "at", postgresql_where=sa.text("entity_id IS NOT NULL")
    ),
)

shadow_predictions = sa.Table(
    "shadow_predictions",
    metadata,
    sa.Column("prediction_id", sa.Uuid(as_uuid=False), primary_key=True),  # the answer that was given
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),  # the new one
    sa.Column("stable_version", sa.Text, nullable=False),
    sa.Column("entity_id", sa.Text),
    sa.Column("stable_score", sa.Float, nullable=False),
    sa.Column("candidate_score", sa.Float, nullable=False),
    sa.Column("at", _time, nullable=False),
    sa.Index("ix_shadow_predictions_version_at", "model", "version", "at"),
)

evidence_proposals = sa.Table(
    "evidence_proposals",
    metadata,
    sa.Column("training_key", sa.Text, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),  # of a version that may not be registered yet
    sa.Column("key_id", sa.Text),
    sa.Column("signature", sa.Text),
    sa.Column("at", _time, nullable=False),
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("bundle_digest", sa.Text, nullable=False),
    sa.Column("verdict", sa.Boolean, nullable=False),
    sa.Column("document", sa.Text, nullable=False),  # canonical JSON, byte for byte what the digest is over
    sa.Column("key_id", sa.Text),  # of the Ed25519 key that signed the document
    sa.Column("signature", sa.Text),  # base64
    sa.Column("at", _time, nullable=False),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),  # promoted, rolled_back, refused; started, aborted, ended
    sa.Column("from_version", sa.Text),
    sa.Column("to_version", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("evidence_digest", sa.Text),
    sa.Column("rollout", sa.Text),  # how a started version goes into production, canonical JSON
    sa.Column("at", _time, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Index("ix_ledger_model_seq", "model", "seq"),
)

registry_views = sa.Table(
    "registry_views",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("alias_version", sa.Text),  # what the production alias showed when it was last settled
    sa.Column("stage_version", sa.Text),  # likewise the Production stage
    sa.Column("canary_version", sa.Text),  # likewise the alias canary
    sa.Column("shadow_version", sa.Text),  # likewise the alias shadow
    sa.Column("settled_seq", sa.BigInteger),  # the model's last row of the ledger that was carried out
    sa.Column("settled_at", _time, nullable=False),
)

rollout_reports = sa.Table(
    "rollout_reports",
    metadata,
    sa.Column("rollout_seq", sa.BigInteger, primary_key=True),  # the ledger row that started it
    sa.Column("process", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # loading, ready, refused
    sa.Column("problem", sa.Text),
    sa.Column("candidate", JSONB, nullable=False),
    sa.Column("stable", JSONB, nullable=False),
    sa.Column("at", _time, nullable=False),
)

holdouts = sa.Table(
    "holdouts",
    metadata,
    sa.Column("training_key", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("rows", sa.LargeBinary, nullable=False),  # sorted 64-bit hashes of the frozen rows
    sa.Column("at", _time, nullable=False),
    sa.Index("ix_holdouts_model_at", "model", "at"),
)

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION evidence_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'evidence is append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER evidence_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
  FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only();
"""

LEDGER_GUARD = """
CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
"""
