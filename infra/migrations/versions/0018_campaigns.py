"""which campaign brought a lead, and each of its interactions."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leads", sa.Column("campaign", sa.Text()))
    op.add_column("interactions", sa.Column("campaign", sa.Text()))


def downgrade() -> None:
    op.drop_column("interactions", "campaign")
    op.drop_column("leads", "campaign")
