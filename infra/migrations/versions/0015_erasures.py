"""whom nothing is kept of any more, under a hash that tells nobody who it was."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table("erasure_salt", sa.Column("salt", sa.LargeBinary, nullable=False))
    op.execute(
        "INSERT INTO erasure_salt (salt) SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"
    )
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("lead_digest", sa.LargeBinary, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("finished_at", time),
        sa.Column("readmitted_at", time),
        sa.Column("receipt", sa.Text),
        sa.Column("key_id", sa.Text),
        sa.Column("signature", sa.Text),
    )
    op.create_index("ix_erasures_lead", "erasures", ["lead_digest"])


def downgrade() -> None:
    op.drop_table("erasures")
    op.drop_table("erasure_salt")
