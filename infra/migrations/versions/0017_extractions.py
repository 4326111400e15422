"""how far the tables of a CRM were read."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "extractions",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("watermark", time),
        sa.Column("whole_at", time),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("rows_refused", sa.BigInteger, nullable=False),
        sa.Column("read_at", time, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("extractions")
