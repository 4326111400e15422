"""a lead may say in which time zone it lives."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leads", sa.Column("time_zone", sa.Text()))


def downgrade() -> None:
    op.drop_column("leads", "time_zone")
