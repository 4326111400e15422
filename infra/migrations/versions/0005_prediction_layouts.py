"""features of predictions as arrays; what a shadow scored."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# For people and their queries: features by name, whichever way they are kept.
VIEW = """
CREATE VIEW predictions_by_name AS
SELECT p.prediction_id, p.model, p.version, p.answered_by, p.entity_id, p.score, p.label,
  coalesce(p.features,
    (SELECT coalesce(jsonb_object_agg(name, CASE WHEN value IN ('NaN', 'Infinity', '-Infinity') THEN 'null'
       ELSE to_jsonb(value) END), '{}') FROM unnest(l.numbers, p.numbers) AS n (name, value))
    || (SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM unnest(l.texts, p.texts) AS t (name, value))
  ) AS features,
  p.fingerprint, p.at
FROM predictions p LEFT JOIN feature_layouts l USING (layout)
"""


def upgrade() -> None:
    op.create_table(
        "feature_layouts",
        sa.Column("layout", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("numbers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("texts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("layout"),
    )
    op.alter_column("predictions", "features", nullable=True)
    op.add_column("predictions", sa.Column("layout", sa.BigInteger()))
    op.add_column("predictions", sa.Column("numbers", postgresql.ARRAY(sa.Float())))
    op.add_column("predictions", sa.Column("texts", postgresql.ARRAY(sa.Text())))
    op.drop_index("ix_predictions_entity_at", table_name="predictions")
    op.create_index(
        "ix_predictions_entity_at",
        "predictions",
        ["entity_id", "at"],
        postgresql_where=sa.text("entity_id IS NOT NULL"),
    )
    op.create_table(
        "shadow_predictions",
        sa.Column("prediction_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("stable_version", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text()),
        sa.Column("stable_score", sa.Float(), nullable=False),
        sa.Column("candidate_score", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("prediction_id"),
    )
    op.create_index("ix_shadow_predictions_version_at", "shadow_predictions", ["model", "version", "at"])
    op.execute(VIEW)


def downgrade() -> None:
    op.execute(
        "UPDATE predictions p SET features = v.features FROM predictions_by_name v "
        "WHERE p.features IS NULL AND v.prediction_id = p.prediction_id"
    )
    op.execute("DROP VIEW predictions_by_name")
    op.drop_table("shadow_predictions")
    op.drop_index("ix_predictions_entity_at", table_name="predictions")
    op.create_index("ix_predictions_entity_at", "predictions", ["entity_id", "at"])
    for column in ("texts", "numbers", "layout"):
        op.drop_column("predictions", column)
    op.alter_column("predictions", "features", nullable=False)
    op.drop_table("feature_layouts")
