"""The migrations make exactly the tables that the code describes."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from estate.store.all_tables import metadata
from estate.store.database import Database
from infra.migrations.run import revisions, upgrade


def test_migrated_database_has_the_tables_of_the_code(database: Database) -> None:
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    upgrade(database.url)
    current, newest = revisions(database.url)
    assert current == newest


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET who = 'x'", "DELETE FROM ledger", "TRUNCATE ledger"]
)
def test_ledger_refuses_changes(database: Database, statement: str) -> None:
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), database.begin() as connection:
        connection.execute(sa.text(statement))
