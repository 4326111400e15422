"""Facts in and out of Postgres, by COPY: many rows at once, each version of a fact at most once.

Arrow writes and reads the CSV that COPY speaks: text is always quoted and a missing value never is, so an
empty text and "not known" stay two things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from psycopg import sql

from estate.core.errors import DataError
from estate.store.derived_columns import DERIVED, with_derived
from estate.store.erasures import drop_erased
from estate.store.fact_tables import arrow_schema, copying, fact_id, fact_table
from estate.store.fact_versions import add_versions, conflicts, drop_known, learned_at
from estate.store.tables import SUPERSEDED

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from estate.store.database import Database

Corrections = Literal["recorded", "refused"] | datetime

_LARGEST_ROW_BYTES = 1 << 26
_CREATE = "CREATE TEMP TABLE {incoming} ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA"
_COPY = "COPY {incoming} ({names}) FROM STDIN (FORMAT csv)"
_INSERT = """
INSERT INTO {target} ({names}) SELECT {names} FROM {incoming} ORDER BY {key} COLLATE "C", recorded_at
ON CONFLICT ({key}, superseded_at) DO NOTHING"""


@dataclass(frozen=True)
class Stored:
    """What became of a table of facts.

    Parameters
    ----------
    new : int
        Facts that were not there yet.
    corrected : int
        Rows that became another version of a fact that was there.
    conflicting : tuple of (str, datetime)
        Id and ``recorded_at`` of rows whose fact has other values that stay.
    erased : tuple of str
        Ids of rows that were left out since their lead was erased.
    """

    new: int
    corrected: int
    conflicting: tuple[tuple[str, datetime], ...]
    erased: tuple[str, ...] = ()


def write_facts(connection: sa.Connection, kind: str, rows: pd.DataFrame) -> int:
    """Store facts and return how many were not there yet; see :func:`store_facts`."""
    return store_facts(connection, kind, rows).new


def store_facts(
    connection: sa.Connection, kind: str, rows: pd.DataFrame, *, corrections: Corrections = "recorded"
) -> Stored:
    """Store facts that are not there yet, and corrections of those that are; no version is ever changed.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of an open transaction: the facts are there when it commits.
    kind : str
        Name of the table of facts.
    rows : DataFrame
        Columns of the table; those that may be missing may be left out, and derived ones are computed anew.
        Times are aware; null is None or NaN.
    corrections : {"recorded", "refused"} or datetime
        What to do with a known fact that has other values. "recorded": the row's ``recorded_at`` says when
        it was corrected, and it becomes a version of its own, in whatever order they come. For rows that
        don't know when they were recorded: "refused" (conflicting), or the moment of the correction.

    Raises
    ------
    DataError
        If the kind is unknown, or a column is unknown, missing or of the wrong type.
    StoreError
        If the database went away.
    """
    table = fact_table(kind)
    columns = _columns_to_write(table, rows)
    if not len(rows):
        return Stored(0, 0, ())
    said = [name for name in columns if name not in (fact_id(kind), "recorded_at")]
    rows = with_derived(kind, rows)
    columns += DERIVED.get(kind, {})
    words: dict[str, sql.Composable] = {
        "incoming": sql.Identifier(f"incoming_{kind}"),
        "target": sql.Identifier(kind),
        "names": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "key": sql.Identifier(fact_id(kind)),
        "said": sql.SQL(", ").join(map(sql.Identifier, said)),
    }
    with copying(connection) as cursor:
        cursor.execute(sql.SQL(_CREATE).format(**words))
        with cursor.copy(sql.SQL(_COPY).format(**words)) as copy:
            copy.write(_csv(table, rows, columns))
        erased: tuple[str, ...] = ()
        if "lead_id" in columns:
            erased = drop_erased(cursor, f"incoming_{kind}", lead="lead_id", key=fact_id(kind))
        cursor.execute(sql.SQL(_INSERT).format(**words))
        stored = Stored(cursor.rowcount, 0, (), erased)
        if stored.new + len(erased) < len(rows):
            if corrections != "recorded":
                drop_known(cursor, words)
            if isinstance(corrections, datetime):
                learned_at(cursor, words, corrections)
            corrected = 0 if corrections == "refused" else add_versions(cursor, words, kind)
            differing = conflicts(cursor, words, corrections == "refused")
            stored = Stored(stored.new, corrected, differing, erased)
        cursor.execute(sql.SQL("DROP TABLE {incoming}").format(**words))
    return stored


def read_facts(
    database: Database,
    kind: str,
    *,
    lead_ids: Sequence[str] | None = None,
    as_of: datetime | None = None,
    versions: bool = False,
) -> pd.DataFrame:
    """Read facts in the order of lead, time and id; see :func:`read_fact_table`.

    Returns
    -------
    DataFrame
        All columns of a fact: times ``datetime64[us, UTC]``, numbers float64 (NaN is missing), text
        ``object`` (None is missing).
    """
    table = read_fact_table(database, kind, lead_ids=lead_ids, as_of=as_of, versions=versions)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def read_fact_table(
    database: Database,
    kind: str,
    *,
    lead_ids: Sequence[str] | None = None,
    as_of: datetime | None = None,
    versions: bool = False,
) -> pa.Table:
    """Read facts in the order of lead, time and id, as Arrow keeps them.

    Parameters
    ----------
    database : Database
    kind : str
        Name of the table of facts.
    lead_ids : sequence of str, optional
        Only facts of these leads; for kinds that belong to a lead.
    as_of : datetime, optional
        Only facts that had happened and were known then, as they were known: both clocks at or before it.
    versions : bool
        Also the versions that were superseded by then, with ``superseded_at`` (null for the newest known):
        whoever looks back from ``as_of`` to an earlier moment needs what was known at that moment.

    Returns
    -------
    pyarrow.Table
        All columns of a fact. Texts are ordered byte by byte, as Python does.

    Raises
    ------
    DataError
        If the kind is unknown or its facts belong to no lead.
    """
    table = fact_table(kind)
    columns = [column.name for column in table.columns if versions or column.name != SUPERSEDED]
    query = _select(table, columns, lead_ids, as_of)
    buffer = BytesIO()
    with database.begin() as connection, copying(connection) as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)) as copy:
            for block in copy:
                buffer.write(block)
    return _arrow(table, columns, buffer)


def count_facts(database: Database, kind: str) -> int:
    """Count the facts of a kind, each once."""
    table = fact_table(kind)
    newest = sa.select(sa.func.count()).where(table.c[SUPERSEDED] == sa.literal_column("'infinity'"))
    with database.begin() as connection:
        return int(connection.execute(newest).scalar_one())


def event_time(connection: sa.Connection, kind: str, name: str) -> datetime | None:
    """Return when a fact happened, as it is known now; None if it is not known."""
    table = fact_table(kind)
    newest = sa.select(table.c.event_at).where(
        table.c[fact_id(kind)] == name, table.c[SUPERSEDED] == sa.literal_column("'infinity'")
    )
    found: datetime | None = connection.execute(newest).scalar_one_or_none()
    return found


def _columns_to_write(table: sa.Table, rows: pd.DataFrame) -> list[str]:
    derived = DERIVED.get(table.name, {})
    known = [column.name for column in table.columns if column.name not in (SUPERSEDED, *derived)]
    unknown = [str(name) for name in rows.columns if name not in known and name not in derived]
    missing = [name for name in known if not table.columns[name].nullable and name not in rows]
    if unknown or missing:
        got = [f"unknown {', '.join(unknown)}"] * bool(unknown) + [f"no {', '.join(missing)}"] * bool(missing)
        raise DataError(f"facts `{table.name}`", expected=f"columns {', '.join(known)}", got="; ".join(got))
    return [name for name in known if name in rows]


def _csv(table: sa.Table, rows: pd.DataFrame, columns: Sequence[str]) -> memoryview:
    import pyarrow as pa
    import pyarrow.csv

    try:
        arrow = pa.Table.from_pandas(rows[list(columns)], arrow_schema(table, columns), preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"facts `{table.name}`", expected="values of the table's types", got=str(error)
        ) from error
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(arrow, sink, pyarrow.csv.WriteOptions(include_header=False))
    return memoryview(sink.getvalue())


def _select(
    table: sa.Table, columns: Sequence[str], lead_ids: Sequence[str] | None, as_of: datetime | None
) -> sql.Composed:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if lead_ids is not None:
        if "lead_id" not in table.columns:
            raise DataError(f"facts `{table.name}`", expected="a kind that belongs to leads", got="lead_ids")
        conditions.append(sql.SQL("lead_id = ANY({})").format(sql.Literal(list(lead_ids))))
    until = sql.Literal("infinity" if as_of is None else as_of)
    if as_of is not None:
        conditions.append(sql.SQL("event_at <= {} AND recorded_at <= {}").format(until, until))
    if SUPERSEDED not in columns:
        still = "superseded_at > {}" if as_of is not None else "superseded_at = {}"
        conditions.append(sql.SQL(still).format(until))
    # What is superseded later is, as of then, not: the bits must not depend on what came since.
    ended = sql.SQL(
        "CASE WHEN superseded_at < 'infinity' AND superseded_at <= {} THEN superseded_at END"
    ).format(until)
    shown = [ended if name == SUPERSEDED else sql.Identifier(name) for name in columns]
    by_lead = [sql.SQL('lead_id COLLATE "C"')] if "lead_id" in table.columns else []
    by_id = sql.SQL('{} COLLATE "C"').format(sql.Identifier(fact_id(table.name)))
    return sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
        sql.SQL(", ").join(shown),
        sql.Identifier(table.name),
        sql.SQL(" AND ").join(conditions),
        sql.SQL(", ").join([*by_lead, sql.SQL("event_at"), by_id, sql.SQL("recorded_at")]),
    )


def _arrow(table: sa.Table, columns: Sequence[str], buffer: BytesIO) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv

    schema = arrow_schema(table, columns)
    if not buffer.tell():
        return schema.empty_table()
    return pyarrow.csv.read_csv(
        pa.BufferReader(buffer.getbuffer()),
        pyarrow.csv.ReadOptions(column_names=schema.names, block_size=_LARGEST_ROW_BYTES),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
