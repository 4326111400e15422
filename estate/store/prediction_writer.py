"""Writes rows of predictions by COPY, each once: what is there already is left as it is.

COPY knows no ``ON CONFLICT``. Rows are copied straight into the table; only where that meets an id that is
there already, all are taken back, the known ones left out, and the rest copied. That is about half the work
for the server of copying into a table aside first, and what is written twice is rare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import psycopg
from psycopg import sql

from estate.core.errors import DataError, StoreError
from estate.store.copy_format import HEADER, TRAILER
from estate.store.erasures import drop_erased_predictions
from estate.store.prediction_rows import Layout, PredictionRows
from estate.store.shadow_rows import ShadowRows

KeptRows = PredictionRows | ShadowRows
Connection = psycopg.Connection[Any]

_TRIES = 5
_CONNECT_SECONDS = 5


class PredictionWriter:
    """Writes on a connection of its own, made at the first use and anew when it broke; for one thread.

    Parameters
    ----------
    address : callable
        Returns the database's address, asked at each connection; raises SettingsError where none is known.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._layouts: set[Layout] = set()

    def write(self, groups: Sequence[KeptRows]) -> int:
        """Keep rows, all or none, and say how many were new.

        Raises
        ------
        StoreError
            If the database is away, or lacks a table or a right.
        SettingsError
            If its address is not known.
        DataError
            If it refuses a row.
        """
        with _told():
            connection = self._connected()
            with connection.transaction():
                add_layouts(connection, set(layouts_of(groups)) - self._layouts)
                new = copy_new(connection, groups)
        self._layouts.update(layouts_of(groups))
        return new

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._layouts.clear()
            address = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", self._address())
            self._connection = psycopg.connect(
                address, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="prediction-log"
            )
        return self._connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise DataError("predictions", expected="rows that fit the table", got=_kind(error)) from error
    except psycopg.Error as error:
        raise StoreError(
            "database",
            expected="room for predictions",
            got=_kind(error),
            todo="Is it running and migrated? Try `leadloop status`.",
        ) from error


def _kind(error: psycopg.Error) -> str:
    return type(error).__name__  # the text could hold values of a case


def layouts_of(groups: Iterable[KeptRows]) -> Iterator[Layout]:
    """Return the layouts that rows have."""
    return (group.origin.layout for group in groups if isinstance(group, PredictionRows))


def add_layouts(connection: Connection, layouts: Iterable[Layout]) -> None:
    """Keep the names of features; a layout that is known is left as it is."""
    for layout in layouts:
        connection.execute(
            "INSERT INTO feature_layouts (layout, numbers, texts) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (layout.key, list(layout.numbers), list(layout.texts)),
        )


def copy_new(connection: Connection, groups: Sequence[KeptRows]) -> int:
    """Write the rows whose ids are not there yet; within a transaction.

    Returns
    -------
    int
        How many were new.
    """
    new = 0
    for table, some in groupby(sorted(groups, key=lambda group: group.TABLE), key=lambda group: group.TABLE):
        new += _copy_into(connection, table, list(some))
    return new


def _copy_into(connection: Connection, table: str, groups: Sequence[KeptRows]) -> int:
    for left in reversed(range(_TRIES)):
        try:
            with connection.transaction():
                return _copy(connection, table, groups)
        except psycopg.errors.UniqueViolation:  # written before, or by somebody else just now
            if not left:
                raise
            groups = _unknown(connection, table, groups)
    raise AssertionError("unreachable")


def _copy(connection: Connection, table: str, groups: Sequence[KeptRows]) -> int:
    if not groups:
        return 0
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, groups[0].COLUMNS))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            copy.write(b"".join([HEADER, *(group.copied() for group in groups), TRAILER]))
        written = max(cursor.rowcount, 0)
        return written - drop_erased_predictions(
            cursor, table, [name for group in groups for name in group.names()]
        )


def _unknown(connection: Connection, table: str, groups: Sequence[KeptRows]) -> list[KeptRows]:
    """Return only rows whose ids are not in the table, each once."""
    named = [group.names() for group in groups]
    query = sql.SQL("SELECT prediction_id::text FROM {} WHERE prediction_id = ANY(%s::uuid[])")
    every = [name for names in named for name in names]
    found = connection.execute(query.format(sql.Identifier(table)), (every,)).fetchall()
    seen = {name for (name,) in found}
    rest: list[KeptRows] = []
    for group, names in zip(groups, named, strict=True):
        chosen = []
        for index, name in enumerate(names):
            if name not in seen:
                seen.add(name)
                chosen.append(index)
        if chosen:
            rest.append(group.take(chosen))
    return rest
