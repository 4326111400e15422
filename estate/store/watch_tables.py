"""Tables of the watch: passes, incidents and their alerts, serving's counters, measured quality."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from estate.store.tables import metadata

_time = sa.DateTime(timezone=True)

watch_passes = sa.Table(
    "watch_passes",
    metadata,
    sa.Column("pass_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),  # quiet, too_few, broken_data, drift
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("window_from", _time),
    sa.Column("window_to", _time),
    sa.Column("findings", JSONB, nullable=False),
    sa.Column("report", sa.Text),  # folder with the HTML and JSON reports
    sa.Column("request_id", sa.Uuid(as_uuid=False)),  # the training that its drift asked for
    sa.Column("at", _time, nullable=False),
    sa.Column("as_of", _time),  # the moment that it was about: the present, unless told otherwise
    sa.Column("alarm_rate", sa.Float),  # false-alarm rate that it spent on drift; none where it judged none
    sa.Column("visible", sa.Text),  # the smallest shifts that it would have seen
    sa.Index("ix_watch_passes_model_at", "model", "at"),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("incident_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("column", sa.Text, nullable=False),  # empty where it is about all rows, or about serving
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),  # info, warning, breaking
    sa.Column("breaks_training", sa.Boolean, nullable=False),
    sa.Column("first_seen", _time, nullable=False),
    sa.Column("last_seen", _time, nullable=False),
    sa.Column("times", sa.BigInteger, nullable=False),  # passes that found it
    sa.Column("resolved_at", _time),
    sa.Column("resolved_how", sa.Text),
    sa.Index(
        "ux_incidents_open",
        *("model", "code", "column"),
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    ),
    sa.Index("ix_incidents_model_first_seen", "model", "first_seen"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("incident_id", sa.Uuid(as_uuid=False), nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # opened, again, healed
    sa.Column("state", sa.Text, nullable=False),  # waiting, sent, failed
    sa.Column("tries", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),  # class of what the last try ended with
    sa.Column("at", _time, nullable=False),
    sa.Column("due_at", _time, nullable=False),
    sa.Column("sent_at", _time),
    sa.Index("ix_alerts_waiting", "channel", "due_at", postgresql_where=sa.text("state = 'waiting'")),
    sa.Index("ix_alerts_incident", "incident_id"),
)

operations_snapshots = sa.Table(
    "operations_snapshots",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("at", _time, nullable=False),
    sa.Column("numbers", JSONB, nullable=False),  # counters of serving at the last look
)

quality_points = sa.Table(
    "quality_points",
    metadata,
    sa.Column(
        "key", sa.Text, primary_key=True
    ),  # what is measured and when, hashed: measured again, replaced
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("at", _time, nullable=False),  # nothing learned later is in it
    sa.Column("window_from", _time, nullable=False),
    sa.Column("window_to", _time, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("slice_column", sa.Text),
    sa.Column("slice_value", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),  # realised, estimated
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("low", sa.Float),
    sa.Column("high", sa.Float),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("mature_share", sa.Float, nullable=False),
    sa.Index("ix_quality_points_model_window", "model", "version", "window_to"),
)
