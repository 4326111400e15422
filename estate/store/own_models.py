"""Which registered models are ours: an MLflow server may hold those of other teams too."""

from __future__ import annotations

import sqlalchemy as sa

from estate.store.tables import evidence, ledger


def own_models(connection: sa.Connection) -> frozenset[str]:
    """Return the models of which there is evidence or a decision."""
    query = sa.union(sa.select(evidence.c.model), sa.select(ledger.c.model))
    return frozenset(connection.execute(query).scalars())


def newest_version(connection: sa.Connection, model: str) -> str | None:
    """Return the version of a model that was judged last; None if there is no evidence."""
    newest = sa.select(evidence.c.version).where(evidence.c.model == model).order_by(evidence.c.at.desc())
    return connection.execute(newest.limit(1)).scalar()
