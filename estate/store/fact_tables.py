"""Tables of facts by their kind, and how their rows travel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from estate.core.errors import DataError, StoreError
from estate.store.tables import FACTS


def fact_table(kind: str) -> sa.Table:
    """Return the table of a kind of fact; DataError if there is none."""
    try:
        return FACTS[kind]
    except KeyError:
        raise DataError("kind of fact", expected=f"one of {', '.join(FACTS)}", got=repr(kind)) from None


def fact_id(kind: str) -> str:
    """Return the column that names a fact of this kind.

    Raises
    ------
    DataError
        If there is no such kind.

    Examples
    --------
    >>> fact_id("messages")
    'message_id'
    >>> fact_id("phones")
    Traceback (most recent call last):
    estate.core.errors.DataError: kind of fact: expected one of leads, interactions, messages, properties, \
listings, outcomes, market_index, got 'phones'.
    """
    return str(fact_table(kind).primary_key.columns[0].name)


@contextmanager
def copying(connection: sa.Connection) -> Iterator[psycopg.Cursor[Any]]:
    """Give a cursor that speaks COPY; what the database answers becomes a StoreError."""
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    try:
        with driver.cursor() as cursor:
            yield cursor
    except psycopg.OperationalError as error:
        raise StoreError("database", expected="an answer", got=str(error).strip().splitlines()[0]) from error
    except psycopg.errors.UndefinedTable as error:
        raise StoreError(
            "database",
            expected="all tables",
            got=str(error).strip().splitlines()[0],
            todo="Run `leadloop up`, or `python -m infra.migrations` for a database of your own.",
        ) from error


def arrow_schema(table: sa.Table, columns: Sequence[str]) -> Any:
    """Return the Arrow types of some columns."""
    import pyarrow as pa

    def arrow_type(column: sa.Column[Any]) -> Any:
        match column.type:
            case sa.DateTime():
                return pa.timestamp("us", tz="UTC")
            case sa.Float():
                return pa.float64()
            case _:
                return pa.string()

    return pa.schema([(name, arrow_type(table.columns[name])) for name in columns])
