"""what is proposed to keep leads, by chance or not, and what was made of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table("intervention_salt", sa.Column("salt", sa.LargeBinary, nullable=False))
    op.execute(
        "INSERT INTO intervention_salt (salt) "
        "SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"
    )
    op.create_table(
        "interventions",
        sa.Column("intervention_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("lead_id", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("indicators", ARRAY(sa.Text), nullable=False),
        sa.Column("evidence", ARRAY(sa.Text), nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("propensity", sa.Float, nullable=False),
        sa.Column("risk", sa.Float, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("effect", sa.Float, nullable=False),
        sa.Column("cost_usd", sa.Float, nullable=False),
        sa.Column("benefit_usd", sa.Float, nullable=False),
        sa.Column("horizon_days", sa.Float, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.UniqueConstraint("lead_id", "round", name="uq_interventions_lead_round"),
    )
    op.create_index("ix_interventions_at", "interventions", ["at"])
    op.create_table(
        "intervention_events",
        sa.Column("intervention_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("event", sa.Text, primary_key=True),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", time, nullable=False),
    )
    op.create_table(
        "churn_desks",
        sa.Column("at", time, primary_key=True),
        sa.Column("document", JSONB, nullable=False),
    )


def downgrade() -> None:
    for table in ("churn_desks", "intervention_events", "interventions", "intervention_salt"):
        op.drop_table(table)
