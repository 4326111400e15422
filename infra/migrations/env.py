"""What Alembic runs: the revisions of this folder, on the address that was passed in."""

from alembic import context

from estate.store.all_tables import metadata
from estate.store.database import Database


def run() -> None:
    """Apply the revisions in one transaction."""
    url = context.config.attributes["database_url"]
    with Database(url).engine.begin() as connection:
        context.configure(connection=connection, target_metadata=metadata, compare_type=True)
        context.run_migrations()


run()
