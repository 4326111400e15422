"""signatures, rollouts, counted holdouts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from estate.store.tables import APPEND_ONLY

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("evidence", "evidence_proposals"):
        op.add_column(table, sa.Column("key_id", sa.Text()))
        op.add_column(table, sa.Column("signature", sa.Text()))
    op.add_column("ledger", sa.Column("rollout", sa.Text()))
    op.add_column("training_requests", sa.Column("who", sa.Text(), nullable=False, server_default="unknown"))
    op.create_table(
        "rollout_reports",
        sa.Column("rollout_seq", sa.BigInteger(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("candidate", postgresql.JSONB(), nullable=False),
        sa.Column("stable", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rollout_seq", "process"),
    )
    op.create_table(
        "holdouts",
        sa.Column("training_key", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("training_key"),
    )
    op.create_index("ix_holdouts_model_at", "holdouts", ["model", "at"])
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.execute("DROP TRIGGER evidence_no_change ON evidence; DROP FUNCTION evidence_is_append_only()")
    op.drop_table("holdouts")
    op.drop_table("rollout_reports")
    op.drop_column("training_requests", "who")
    op.drop_column("ledger", "rollout")
    for table in ("evidence_proposals", "evidence"):
        op.drop_column(table, "signature")
        op.drop_column(table, "key_id")
