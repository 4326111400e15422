"""The migrations make exactly the tables that the code describes."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

import infra.migrations
from estate.core.sentiment import sentiment
from estate.store.all_tables import metadata
from estate.store.database import Database
from estate.store.facts import read_facts
from infra.migrations.run import revisions, upgrade


def test_migrated_database_has_the_tables_of_the_code(database: Database) -> None:
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    upgrade(database.url)
    current, newest = revisions(database.url)
    assert current == newest


def test_messages_that_are_there_already_get_their_sentiment(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(infra.migrations.__file__).parent))
    config.attributes["database_url"] = database.url
    command.downgrade(config, "0015")
    texts = ["We love it!", "Too expensive, sorry.", "Tuesday", "We love it!", ""]
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO messages (message_id, lead_id, direction, text, event_at, recorded_at)"
                " SELECT text || n, 'L1', 'in', text, now(), now()"
                " FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS given (text, n)"
            ),
            {"texts": texts},
        )
    upgrade(database.url)
    stored = read_facts(database, "messages")
    assert stored["sentiment"].tolist() == [sentiment(text) for text in stored["text"]]
    assert stored["sentiment"].nunique() == 3


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET who = 'x'", "DELETE FROM ledger", "TRUNCATE ledger"]
)
def test_ledger_refuses_changes(database: Database, statement: str) -> None:
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), database.begin() as connection:
        connection.execute(sa.text(statement))
