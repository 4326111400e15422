"""what the CRM sends is known by its key: an event is applied once, in the order of its own clock."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "received_events",
        sa.Column("event_key", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("object", sa.Text),
        sa.Column("lead_id", sa.Text),
        sa.Column("changed_at", time),
        sa.Column("received_at", time, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("fact_kind", sa.Text),
        sa.Column("fact_id", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("body_digest", sa.Text, nullable=False),
    )
    op.create_index("ix_received_events_object", "received_events", ["object", "changed_at"])
    op.create_index("ix_received_events_lead", "received_events", ["lead_id"])
    op.create_index("ix_received_events_received", "received_events", ["received_at"])


def downgrade() -> None:
    op.drop_table("received_events")
