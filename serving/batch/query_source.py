"""Rows of a query: read once into files beside the target, then scored from there.

A database gives its rows in another order each time, and other rows tomorrow. So what one transaction saw is
kept until the run is complete: a run that goes on later scores these very rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from estate.core.clock import now
from estate.core.environment import expand
from estate.core.errors import DataError
from estate.core.frame import category_text
from estate.core.model_spec import QuerySource
from estate.store.query_batches import read_parts, shown, whole_table
from serving.batch.files_source import FilesSource
from serving.batch.options import BatchOptions
from serving.models import ServedModel

ROWS_AT_ONCE = 20_000
_DONE = "read.json"


@dataclass(frozen=True)
class Query:
    """A SELECT and where it runs.

    Parameters
    ----------
    url : str
    statement : str
    """

    url: str
    statement: str


@dataclass(frozen=True)
class QueryRows(FilesSource):
    """Rows of a query that were read.

    Parameters
    ----------
    read : mapping
        Of which query, and when.
    """

    read: Mapping[str, object]

    @property
    def name(self) -> str:
        """What a person calls it."""
        return "query"

    def identity(self) -> Mapping[str, object]:
        """Return the query, where it ran and when."""
        return self.read

    def place(self, row: int) -> tuple[str, int]:
        """Return the row as it came from the database."""
        return self.name, row


def query_for(
    served: ServedModel, own_url: str, *, table: str | None, statement: str | None, url: str | None
) -> Query:
    """Return the query of a table's rows, of a statement's, or else of the model's own source.

    Parameters
    ----------
    served : ServedModel
    own_url : str
        Of the platform's database.
    table, statement : str, optional
        One of them at most.
    url : str, optional
        If not given: that of the model's source, if it is a query; else the platform's.

    Raises
    ------
    DataError
        If the model's own source is asked for, and it is no query.
    """
    source = served.spec.source
    own = source if isinstance(source, QuerySource) else None
    where = url or (expand(own.url) if own is not None and own.url else own_url)
    if table is not None:
        return Query(where, whole_table(where, table))
    if statement is None and own is None:
        raise DataError(f"model `{served.spec.name}`", expected="a source that is a query", got="another one")
    return Query(where, statement or (own.sql if own is not None else ""))


def query_rows(query: Query, folder: Path, options: BatchOptions) -> QueryRows:
    """Read a query into a folder, unless an earlier run of the same query did.

    Raises
    ------
    ContractError
        If the database refuses the query or can't be reached.
    DataError
        If a column's values have no common type.
    """
    asked = {"query": query.statement, "database": shown(query.url)}
    kept = _kept(folder, asked)
    if kept is None:
        kept = {**asked, "at": now().isoformat()}
        _read(query, folder, options)
        (folder / _DONE).write_text(json.dumps(kept))
    return QueryRows(folder, sorted(folder.glob("*.parquet")), kept)


def _kept(folder: Path, asked: Mapping[str, str]) -> dict[str, object] | None:
    try:
        kept: dict[str, object] = json.loads((folder / _DONE).read_text())
    except (OSError, ValueError):
        return None
    return kept if {**kept, **asked} == kept else None


def _read(query: Query, folder: Path, options: BatchOptions) -> None:
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    rows = 0
    options.say("reads the rows of the query")
    for number, (names, columns) in enumerate(read_parts(query.url, query.statement, rows=ROWS_AT_ONCE)):
        if len(set(names)) < len(names):
            raise DataError("query", expected="each column once", got=f"columns {', '.join(names)}")
        table = pa.table([_array(values) for values in columns], names=list(names))
        pq.write_table(table, folder / f"{number:09}.parquet", use_dictionary=False)
        rows += len(table)
        options.progress(0, rows)


def _array(values: Sequence[Any]) -> Any:
    """Return a column of a query as pandas would read it: decimals as numbers, what is odd as its text."""
    some = next((value for value in values if value is not None), None)
    if isinstance(some, Decimal):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if isinstance(some, UUID | dict | list | tuple):
        return pa.array([category_text(value) for value in values], pa.string())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # SQLite keeps texts among numbers
        return pa.array([category_text(value) for value in values], pa.string())
