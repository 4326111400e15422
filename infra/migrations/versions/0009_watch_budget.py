"""what a pass of the watch spent of its budget of false alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("watch_passes", sa.Column("as_of", sa.DateTime(timezone=True)))
    op.add_column("watch_passes", sa.Column("alarm_rate", sa.Float()))
    op.add_column("watch_passes", sa.Column("visible", sa.Text()))


def downgrade() -> None:
    for column in ("as_of", "alarm_rate", "visible"):
        op.drop_column("watch_passes", column)
