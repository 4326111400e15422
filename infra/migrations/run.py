"""Bring a database to the newest revision, or say where it stands."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from estate.store.database import Database
from infra.migrations.rights import grant_rights

# Two processes may start at once: the second waits here until the first has migrated.
_LOCK = "SELECT pg_advisory_lock(hashtext('leadloop migrations'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('leadloop migrations'))"


def upgrade(database_url: str) -> None:
    """Apply every revision that is missing; safe to repeat, and from several processes."""
    with Database(database_url).engine.connect() as connection:
        connection.exec_driver_sql(_LOCK)
        try:
            command.upgrade(_config(database_url), "head")
        finally:
            connection.exec_driver_sql(_UNLOCK)


def regrant(database_url: str) -> bool:
    """Give the parts' group its rights again, in case it was made since; False if there is no such group."""
    with Database(database_url).engine.begin() as connection:
        return grant_rights(connection)


def revisions(database_url: str) -> tuple[str | None, str | None]:
    """Return the revision that the database is at, and the newest one."""
    with Database(database_url).engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory.from_config(_config(database_url)).get_current_head()


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = database_url
    return config
