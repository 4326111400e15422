"""what the aliases canary and shadow showed, and how far the ledger was carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registry_views", sa.Column("canary_version", sa.Text()))
    op.add_column("registry_views", sa.Column("shadow_version", sa.Text()))
    op.add_column("registry_views", sa.Column("settled_seq", sa.BigInteger()))


def downgrade() -> None:
    for column in ("settled_seq", "shadow_version", "canary_version"):
        op.drop_column("registry_views", column)
