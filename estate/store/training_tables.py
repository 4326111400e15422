"""Tables of trainings: who asked, what the governor decided, and who is training right now."""

from __future__ import annotations

import sqlalchemy as sa

from estate.store.tables import metadata

_time = sa.DateTime(timezone=True)

training_requests = sa.Table(
    "training_requests",
    metadata,
    sa.Column("request_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),  # schedule, drift, quality, person, api
    sa.Column("who", sa.Text, nullable=False, server_default="unknown"),  # the person, or the cause
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("dedupe_key", sa.Text, unique=True),  # the same trigger twice is one request
    sa.Column("as_of", _time),
    sa.Column("state", sa.Text, nullable=False),  # as in training_requests.State
    sa.Column("reason", sa.Text),
    sa.Column("flow_run_id", sa.Text),
    sa.Column("requested_at", _time, nullable=False),
    sa.Column("changed_at", _time, nullable=False),
    sa.Column("version", sa.Text),  # the one that an alarm is about
    sa.Column("due_at", _time),  # the hour of the schedule
    sa.Column("not_before", _time),  # put off until then
    sa.Column("fingerprint", sa.Text),  # of rows, features, estimator and packages of its training
    sa.Column("labels", sa.BigInteger),  # rows with a ripe label that its training saw
    sa.Column("newest_row", sa.BigInteger),  # time or position of the newest of them
    sa.Index("ix_training_requests_state", "state", "model"),
)

training_leases = sa.Table(
    "training_leases",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Uuid(as_uuid=False), nullable=False),
    sa.Column("token", sa.Uuid(as_uuid=False), nullable=False),
    sa.Column("holder", sa.Text, nullable=False),  # machine, pid and start of the process
    sa.Column("taken_at", _time, nullable=False),  # both by the database's clock
    sa.Column("seen_at", _time, nullable=False),
)

governor_decisions = sa.Table(
    "governor_decisions",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("request_id", sa.Uuid(as_uuid=False), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),  # merged, held, refused, dispatched, begun, taken_back
    sa.Column("rule", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", _time, nullable=False),
    sa.Index("ix_governor_decisions_model_at", "model", "at"),
    sa.Index("ix_governor_decisions_request", "request_id"),
)
