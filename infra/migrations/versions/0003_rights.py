"""rights: what works with the database can't change the ledger or the evidence."""

from alembic import op

from infra.migrations.rights import GROUP, grant_rights

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    grant_rights(op.get_bind())


def downgrade() -> None:
    # The group itself stays: it is the whole server's, other databases may use it.
    op.execute(f"""
        DO $$ BEGIN
          IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{GROUP}') THEN
            DROP OWNED BY {GROUP};
          END IF;
        END $$
    """)
