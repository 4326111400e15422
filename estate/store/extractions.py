"""How far the tables of a CRM were read: one row a source and kind of fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.store.intake_tables import extractions

if TYPE_CHECKING:
    from estate.store.database import Database


@dataclass(frozen=True)
class Extraction:
    """How far one kind of facts of one source was read.

    Parameters
    ----------
    source, kind : str
    watermark : datetime, optional
        Of the newest row that was read; None: nothing was read yet.
    whole_at : datetime, optional
        When everything had been read for the first time.
    rows_read, rows_refused : int
        Over all runs; rows that were read again count again.
    read_at : datetime
    """

    source: str
    kind: str
    watermark: datetime | None
    whole_at: datetime | None
    rows_read: int
    rows_refused: int
    read_at: datetime


def open_extraction(connection: sa.Connection, source: str, kind: str, *, at: datetime) -> Extraction:
    """Return how far it came, or begin it."""
    fresh = Extraction(source, kind, None, None, 0, 0, at)
    connection.execute(insert(extractions).values(**fresh.__dict__).on_conflict_do_nothing())
    query = sa.select(extractions).where(extractions.c.source == source, extractions.c.kind == kind)
    return Extraction(**connection.execute(query).mappings().one())


def save_extraction(connection: sa.Connection, row: Extraction) -> None:
    """Write how far it came, in the transaction of the facts that it stored."""
    where = (extractions.c.source == row.source) & (extractions.c.kind == row.kind)
    connection.execute(sa.update(extractions).where(where).values(**row.__dict__))


def list_extractions(database: Database) -> list[Extraction]:
    """Return all of them, by source and kind."""
    query = sa.select(extractions).order_by(extractions.c.source, extractions.c.kind)
    with database.begin() as connection:
        return [Extraction(**row) for row in connection.execute(query).mappings()]
