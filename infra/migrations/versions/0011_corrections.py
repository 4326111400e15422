"""facts have versions: a correction is a new row, and says since when the older one is superseded."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEYS = {
    "leads": "lead_id",
    "interactions": "interaction_id",
    "messages": "message_id",
    "properties": "property_id",
    "outcomes": "outcome_id",
    "market_index": "index_id",
}


def upgrade() -> None:
    infinity = sa.text("'infinity'")
    for table, key in _KEYS.items():
        ended = sa.Column(
            "superseded_at", sa.DateTime(timezone=True), nullable=False, server_default=infinity
        )
        op.add_column(table, ended)
        op.drop_constraint(f"{table}_pkey", table)
        op.create_primary_key(f"{table}_pkey", table, [key, "superseded_at"])


def downgrade() -> None:
    """Keep the newest version of each fact."""
    for table, key in _KEYS.items():
        facts = sa.table(table, sa.column("superseded_at"))
        op.execute(sa.delete(facts).where(facts.c.superseded_at < sa.literal_column("'infinity'")))
        op.drop_constraint(f"{table}_pkey", table)
        op.create_primary_key(f"{table}_pkey", table, [key])
        op.drop_column(table, "superseded_at")
