"""Which models have ever been watched."""

from __future__ import annotations

import sqlalchemy as sa

from estate.store.watch_tables import watch_passes


def watched_models(connection: sa.Connection) -> list[str]:
    """Return the models with a pass, by name."""
    query = sa.select(watch_passes.c.model).distinct().order_by(watch_passes.c.model)
    return list(connection.execute(query).scalars())
