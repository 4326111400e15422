"""What the registry showed when it was last settled: the difference to now is what a person has moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.store.tables import registry_views


@dataclass(frozen=True)
class View:
    """What was seen of one model.

    Parameters
    ----------
    model : str
    alias_version : str or None
        Version under the alias ``production``.
    stage_version : str or None
        Version in stage ``Production``; several are joined by ``,`` in rising order.
    settled_at : datetime
    canary_version, shadow_version : str or None
        Versions under the aliases ``canary`` and ``shadow``.
    settled_seq : int or None
        The model's last row of the ledger that the registry was made to show.
    """

    model: str
    alias_version: str | None
    stage_version: str | None
    settled_at: datetime
    canary_version: str | None = None
    shadow_version: str | None = None
    settled_seq: int | None = None


def read(connection: sa.Connection, model: str) -> View | None:
    """Return what was last seen of a model; None if it was never looked at."""
    row = connection.execute(sa.select(registry_views).where(registry_views.c.model == model)).one_or_none()
    return View(**row._mapping) if row else None


def read_all(connection: sa.Connection) -> dict[str, View]:
    """Return :func:`read` of every model, by model."""
    return {row.model: View(**row._mapping) for row in connection.execute(sa.select(registry_views))}


def write(  # noqa: PLR0913 - one keyword a column
    connection: sa.Connection,
    model: str,
    *,
    alias: str | None,
    stage: str | None,
    canary: str | None = None,
    shadow: str | None = None,
    seq: int | None = None,
) -> None:
    """Remember what is there now."""
    row = {
        "model": model,
        "alias_version": alias,
        "stage_version": stage,
        "canary_version": canary,
        "shadow_version": shadow,
        "settled_seq": seq,
        "settled_at": now(),
    }
    statement = insert(registry_views).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["model"], set_=row))
