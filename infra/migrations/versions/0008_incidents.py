"""incidents, and who was told of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Uuid(as_uuid=False), nullable=False),
        *(_text(name) for name in ("model", "code", "column", "owner", "sentence", "severity")),
        sa.Column("breaks_training", sa.Boolean(), nullable=False),
        _time("first_seen"),
        _time("last_seen"),
        sa.Column("times", sa.BigInteger(), nullable=False),
        _time("resolved_at", nullable=True),
        _text("resolved_how", nullable=True),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    op.create_index(
        "ux_incidents_open",
        "incidents",
        ["model", "code", "column"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("ix_incidents_model_first_seen", "incidents", ["model", "first_seen"])
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("incident_id", sa.Uuid(as_uuid=False), nullable=False),
        *(_text(name) for name in ("channel", "kind", "state")),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        _text("error", nullable=True),
        _time("at"),
        _time("due_at"),
        _time("sent_at", nullable=True),
        sa.PrimaryKeyConstraint("alert_id"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_alerts_waiting", "alerts", ["channel", "due_at"], postgresql_where=waiting)
    op.create_index("ix_alerts_incident", "alerts", ["incident_id"])
    op.create_table(
        "operations_snapshots",
        _text("model"),
        _time("at"),
        sa.Column("numbers", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("model"),
    )


def downgrade() -> None:
    for table in ("operations_snapshots", "alerts", "incidents"):
        op.drop_table(table)
