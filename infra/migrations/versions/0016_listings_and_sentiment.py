"""homes for sale over time, and how messages sound."""

import sqlalchemy as sa
from alembic import op

from estate.core.sentiment import sentiment

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_AT_ONCE = 5_000


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "listings",
        sa.Column("listing_id", sa.Text, primary_key=True),
        sa.Column("property_id", sa.Text),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("price_usd", sa.Float),
        sa.Column("ended_at", time),
        sa.Column("event_at", time, nullable=False),
        sa.Column("recorded_at", time, nullable=False),
        sa.Column("superseded_at", time, primary_key=True, server_default="infinity"),
    )
    op.create_index("ix_listings_area_event", "listings", ["area", "event_at"])
    op.add_column("messages", sa.Column("sentiment", sa.Float()))
    _fill_sentiment()


def _fill_sentiment() -> None:
    connection = op.get_bind()
    connection.execute(sa.text("CREATE TEMP TABLE heard (text text, sentiment float8) ON COMMIT DROP"))
    texts = connection.execute(
        sa.text("SELECT DISTINCT text FROM messages"),
        execution_options={"stream_results": True, "yield_per": _AT_ONCE},
    )
    for part in texts.partitions():
        found = [text for (text,) in part]
        connection.execute(
            sa.text("INSERT INTO heard SELECT * FROM unnest(:texts\\:\\:text[], :values\\:\\:float8[])"),
            {"texts": found, "values": [sentiment(text) for text in found]},
        )
    connection.execute(
        sa.text("UPDATE messages m SET sentiment = h.sentiment FROM heard h WHERE m.text = h.text")
    )


def downgrade() -> None:
    op.drop_column("messages", "sentiment")
    op.drop_table("listings")
