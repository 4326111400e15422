"""What was imported, how far, and when: one row an import."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.errors import ImportFileError
from estate.store.tables import imports

if TYPE_CHECKING:
    from estate.store.database import Database


@dataclass(frozen=True)
class ImportRow:
    """One import, as far as it came.

    Parameters
    ----------
    import_id : str
        Digest of kind, file and mapping.
    kind, file_name : str
    rows_read, rows_stored, rows_refused : int
        Rows of the file that are done with; facts that were new; rows in quarantine.
    started_at : datetime
    finished_at : datetime, optional
        None while rows are left.
    """

    import_id: str
    kind: str
    file_name: str
    rows_read: int
    rows_stored: int
    rows_refused: int
    started_at: datetime
    finished_at: datetime | None


_PATIENCE_SECONDS = 5.0  # a killed importer's lock is free once the server notices that it is gone


@contextmanager
def import_lock(database: Database, import_id: str) -> Iterator[None]:
    """Be the only one who works on an import; the lock dies with its process.

    Raises
    ------
    ImportFileError
        If another process is at it.
    """
    key = sa.func.hashtextextended(import_id, 0)
    with database.begin() as first:  # says in plain words if the database can't be reached
        first.execute(sa.select(1))
    # autocommit: a transaction as long as an import would hold back vacuum
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar_one():
            if time.monotonic() > deadline:
                raise ImportFileError(
                    f"import {import_id}", expected="one process at a time", got="another one that is at it"
                )
            time.sleep(0.05)
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))


def open_import(connection: sa.Connection, fresh: ImportRow) -> ImportRow:
    """Return the import of this id as it stands, or begin it; its row is locked until the commit.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    fresh : ImportRow
        What is written if the import is new.
    """
    connection.execute(
        insert(imports).values(**fresh.__dict__).on_conflict_do_nothing(index_elements=["import_id"])
    )
    query = sa.select(imports).where(imports.c.import_id == fresh.import_id).with_for_update()
    return ImportRow(**connection.execute(query).mappings().one())


def save_import(connection: sa.Connection, row: ImportRow) -> None:
    """Write how far an import came, in the transaction of the facts that it stored."""
    values = {name: value for name, value in row.__dict__.items() if name != "import_id"}
    connection.execute(sa.update(imports).where(imports.c.import_id == row.import_id).values(**values))


def list_imports(database: Database) -> list[ImportRow]:
    """Return all imports, the newest first."""
    with database.begin() as connection:
        found = connection.execute(sa.select(imports).order_by(imports.c.started_at.desc())).mappings()
        return [ImportRow(**row) for row in found]
