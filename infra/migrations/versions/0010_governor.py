"""what the governor decides on, what it decided, and leases of trainings."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ADDED: dict[str, Any] = {
    "version": sa.Text(),
    "due_at": sa.DateTime(timezone=True),
    "not_before": sa.DateTime(timezone=True),
    "fingerprint": sa.Text(),
    "labels": sa.BigInteger(),
    "newest_row": sa.BigInteger(),
}


def upgrade() -> None:
    for name, kind in _ADDED.items():
        op.add_column("training_requests", sa.Column(name, kind))
    op.create_table(
        "training_leases",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("token", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("model"),
    )
    op.create_table(
        "governor_decisions",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("request_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_governor_decisions_model_at", "governor_decisions", ["model", "at"])
    op.create_index("ix_governor_decisions_request", "governor_decisions", ["request_id"])


def downgrade() -> None:
    for table in ("governor_decisions", "training_leases"):
        op.drop_table(table)
    for name in _ADDED:
        op.drop_column("training_requests", name)
