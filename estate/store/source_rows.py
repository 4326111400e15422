"""Rows of somebody else's database, newest last, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from estate.core.errors import DataError

SourceRow = dict[str, Any]


@contextmanager
def source_rows(
    url: str, query: str, watermark: str, *, since: datetime | None, rows_at_once: int
) -> Iterator[Iterator[list[SourceRow]]]:
    """Read what a query gives, in the order of its watermark, in one read-only transaction.

    Parameters
    ----------
    url : str
        SQLAlchemy address.
    query : str
        A SELECT.
    watermark : str
        The column of the query that rises whenever a row is written: a timestamp, with a time zone or in UTC.
    since : datetime, optional
        Aware; only rows whose watermark is at or after it. None: all.
    rows_at_once : int

    Raises
    ------
    DataError
        If the database can't be reached or refuses the query.
    """
    with _in_plain_words():
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with _in_plain_words():
            connection = engine.connect()
        with connection:
            with _in_plain_words():
                found = _executed(connection, query, watermark, since, rows_at_once)
            try:
                yield _parts(found, rows_at_once)
            finally:
                found.close()
    finally:
        engine.dispose()


def _executed(
    connection: sa.Connection, query: str, watermark: str, since: datetime | None, rows_at_once: int
) -> sa.CursorResult[Any]:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
    column: sa.ColumnClause[datetime] = sa.column(watermark)
    plain = query.strip().removesuffix(";").replace(":", r"\:")  # a colon names no parameter
    rows = sa.text(plain).columns(column).subquery("source")
    wanted = sa.select(sa.text("*")).select_from(rows).order_by(rows.c[watermark])
    if since is not None:
        wanted = wanted.where(rows.c[watermark] >= sa.bindparam("since", since.astimezone(UTC)))
    return connection.execute(wanted, execution_options={"stream_results": True, "yield_per": rows_at_once})


def _parts(found: sa.CursorResult[Any], rows_at_once: int) -> Iterator[list[SourceRow]]:
    with _in_plain_words():
        for part in found.mappings().partitions(rows_at_once):
            yield [dict(row) for row in part]


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except sa.exc.ArgumentError as error:
        raise DataError("address of the CRM's database", expected="an SQLAlchemy address") from error
    except (sa.exc.DBAPIError, sa.exc.NoSuchModuleError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DataError(
            "the CRM's database", expected="rows", got=reason, todo="Correct the query or the url."
        ) from error
