"""What serving had counted at the last look: counters only say something beside what they were before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.store.tables import predictions
from estate.store.watch_tables import operations_snapshots as table


@dataclass(frozen=True)
class Snapshot:
    """Counters at a moment.

    Parameters
    ----------
    at : datetime
    numbers : mapping of str to float
        Counters since serving started, and what was usual, by name.
    """

    at: datetime
    numbers: Mapping[str, float]


def last_snapshot(connection: sa.Connection, model: str) -> Snapshot | None:
    """Return the last look at a model's counters; None if there was none."""
    row = connection.execute(
        sa.select(table.c.at, table.c.numbers).where(table.c.model == model)
    ).one_or_none()
    return Snapshot(row.at, row.numbers) if row else None


def keep_snapshot(connection: sa.Connection, model: str, made: Snapshot) -> None:
    """Keep a look in place of the one before, unless a later one is there."""
    values = {"model": model, "at": made.at, "numbers": dict(made.numbers)}
    new = insert(table).values(values)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[table.c.model],
            set_={"at": new.excluded.at, "numbers": new.excluded.numbers},
            where=table.c.at <= new.excluded.at,
        )
    )


def count_answers(
    connection: sa.Connection, model: str, *, since: datetime, until: datetime
) -> dict[str, int]:
    """Return how many answers of a model were given by whom (``model``, ``last_good``, ``rules``)."""
    query = (
        sa.select(predictions.c.answered_by, sa.func.count())
        .where(predictions.c.model == model, predictions.c.at >= since, predictions.c.at < until)
        .group_by(predictions.c.answered_by)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
