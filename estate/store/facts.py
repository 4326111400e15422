"""Facts in and out of Postgres, by COPY: many rows at once, each at most once.

Arrow writes and reads the CSV that COPY speaks: text is always quoted and a missing value never is, so an
empty text and "not known" stay two things.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from estate.core.errors import DataError, StoreError
from estate.store.tables import FACTS

if TYPE_CHECKING:
    import pandas as pd

    from estate.store.database import Database

_LARGEST_ROW_BYTES = 1 << 26
_CREATE = "CREATE TEMP TABLE {incoming} ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA"
_COPY = "COPY {incoming} ({names}) FROM STDIN (FORMAT csv)"
_INSERT = "INSERT INTO {target} ({names}) SELECT {names} FROM {incoming} ON CONFLICT ({key}) DO NOTHING"
_DIFFERENT = (
    "SELECT DISTINCT i.{key} FROM {incoming} i JOIN {target} t ON t.{key} = i.{key} "
    "WHERE ({new}) IS DISTINCT FROM ({old})"
)


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
outcomes, market_index, got 'phones'.
    """
    return str(_table(kind).primary_key.columns[0].name)


@dataclass(frozen=True)
class Stored:
    """What became of a table of facts.

    Parameters
    ----------
    new : int
        Facts that were not there yet.
    conflicting : tuple of str
        Ids of facts that were there with other values; the old values stay.
    """

    new: int
    conflicting: tuple[str, ...]


def write_facts(connection: sa.Connection, kind: str, rows: pd.DataFrame) -> int:
    """Store facts that are not there yet and return how many; see :func:`store_facts`."""
    return store_facts(connection, kind, rows).new


def store_facts(connection: sa.Connection, kind: str, rows: pd.DataFrame) -> Stored:
    """Store facts that are not there yet; a fact whose id is known stays as it was.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of an open transaction: the facts are there when it commits.
    kind : str
        Name of the table of facts.
    rows : DataFrame
        Columns of the table; those that may be missing may be left out. Times are aware; null is None or NaN.

    Raises
    ------
    DataError
        If the kind is unknown, or a column is unknown, missing or of the wrong type.
    StoreError
        If the database went away.
    """
    table = _table(kind)
    columns = _columns_to_write(table, rows)
    if not len(rows):
        return Stored(0, ())
    words = {
        "incoming": sql.Identifier(f"incoming_{kind}"),
        "target": sql.Identifier(kind),
        "names": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "key": sql.Identifier(fact_id(kind)),
    }
    with _cursor(connection) as cursor:
        cursor.execute(sql.SQL(_CREATE).format(**words))
        with cursor.copy(sql.SQL(_COPY).format(**words)) as copy:
            copy.write(_csv(table, rows, columns))
        cursor.execute(sql.SQL(_INSERT).format(**words))
        new = cursor.rowcount
        conflicting = (
            () if new == len(rows) else tuple(row[0] for row in cursor.execute(_differences(columns, words)))
        )
        cursor.execute(sql.SQL("DROP TABLE {incoming}").format(**words))
    return Stored(new, conflicting)


def read_facts(
    database: Database, kind: str, *, lead_ids: Sequence[str] | None = None, as_of: datetime | None = None
) -> pd.DataFrame:
    """Read facts in the order of lead, time and id.

    Parameters
    ----------
    database : Database
    kind : str
        Name of the table of facts.
    lead_ids : sequence of str, optional
        Only facts of these leads; for kinds that belong to a lead.
    as_of : datetime, optional
        Only facts that had happened and were known then: both clocks at or before it.

    Returns
    -------
    DataFrame
        All columns of the table: times ``datetime64[us, UTC]``, numbers float64 (NaN is missing), text
        ``object`` (None is missing). Texts are ordered byte by byte, as Python does.

    Raises
    ------
    DataError
        If the kind is unknown or its facts belong to no lead.
    """
    table = _table(kind)
    query = _select(table, lead_ids, as_of)
    buffer = BytesIO()
    with database.begin() as connection, _cursor(connection) as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)) as copy:
            for block in copy:
                buffer.write(block)
    return _frame(table, buffer)


def count_facts(database: Database, kind: str) -> int:
    """Count the facts of a kind."""
    with database.begin() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(_table(kind))).scalar_one())


def _table(kind: str) -> sa.Table:
    try:
        return FACTS[kind]
    except KeyError:
        raise DataError("kind of fact", expected=f"one of {', '.join(FACTS)}", got=repr(kind)) from None


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[psycopg.Cursor[Any]]:
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


def _differences(columns: Sequence[str], words: dict[str, sql.Composable]) -> sql.Composed:
    def row(alias: str) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(alias, name) for name in columns)

    return sql.SQL(_DIFFERENT).format(**words, new=row("i"), old=row("t"))


def _columns_to_write(table: sa.Table, rows: pd.DataFrame) -> list[str]:
    known = list(table.columns.keys())
    unknown = [str(name) for name in rows.columns if name not in known]
    missing = [column.name for column in table.columns if not column.nullable and column.name not in rows]
    if unknown or missing:
        got = [f"unknown {', '.join(unknown)}"] * bool(unknown) + [f"no {', '.join(missing)}"] * bool(missing)
        raise DataError(f"facts `{table.name}`", expected=f"columns {', '.join(known)}", got="; ".join(got))
    return [name for name in known if name in rows]


def _csv(table: sa.Table, rows: pd.DataFrame, columns: Sequence[str]) -> memoryview:
    import pyarrow as pa
    import pyarrow.csv

    try:
        arrow = pa.Table.from_pandas(rows[list(columns)], _schema(table, columns), preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"facts `{table.name}`", expected="values of the table's types", got=str(error)
        ) from error
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(arrow, sink, pyarrow.csv.WriteOptions(include_header=False))
    return memoryview(sink.getvalue())


def _schema(table: sa.Table, columns: Sequence[str]) -> Any:
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


def _select(table: sa.Table, lead_ids: Sequence[str] | None, as_of: datetime | None) -> sql.Composed:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if lead_ids is not None:
        if "lead_id" not in table.columns:
            raise DataError(f"facts `{table.name}`", expected="a kind that belongs to leads", got="lead_ids")
        conditions.append(sql.SQL("lead_id = ANY({})").format(sql.Literal(list(lead_ids))))
    if as_of is not None:
        moment = sql.Literal(as_of)
        conditions.append(sql.SQL("event_at <= {} AND recorded_at <= {}").format(moment, moment))
    by_lead = [sql.SQL('lead_id COLLATE "C"')] if "lead_id" in table.columns else []
    by_id = sql.SQL('{} COLLATE "C"').format(sql.Identifier(fact_id(table.name)))
    return sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
        sql.SQL(", ").join(map(sql.Identifier, table.columns.keys())),
        sql.Identifier(table.name),
        sql.SQL(" AND ").join(conditions),
        sql.SQL(", ").join([*by_lead, sql.SQL("event_at"), by_id]),
    )


def _frame(table: sa.Table, buffer: BytesIO) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.csv

    schema = _schema(table, table.columns.keys())
    if not buffer.tell():
        empty: pd.DataFrame = schema.empty_table().to_pandas()
        return empty
    arrow = pyarrow.csv.read_csv(
        pa.BufferReader(buffer.getbuffer()),
        pyarrow.csv.ReadOptions(column_names=schema.names, block_size=_LARGEST_ROW_BYTES),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    frame: pd.DataFrame = arrow.to_pandas()
    return frame
