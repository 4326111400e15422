"""Connections for reads that must be quick: one statement, one round trip, nothing asked before or after."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import make_url

from estate.core.errors import StoreError
from estate.store.database import Database

_MOST = 8
_WAIT_SECONDS = 5.0
_CONNECT_SECONDS = 2  # the least that libpq allows
_SESSION = (
    # A plan is made once, not at each call, and neither compiled nor parallel: all that takes longer than
    # these reads.
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET TIME ZONE 'UTC'; SET jit = off; "
    "SET max_parallel_workers_per_gather = 0; SET plan_cache_mode = force_generic_plan; "
    "SET statement_timeout = '5s'"
)


class ReadConnections:
    """A few connections that stay open between statements; safe to share between threads.

    A connection is not checked before its use: that would double the round trips. Where it turns out to be
    dead, the statement, which only reads, is sent once more over a new one.

    Parameters
    ----------
    find : callable
        Returns the database; asked at each use, for its address may be known later than this is made.
    """

    def __init__(self, find: Callable[[], Database]) -> None:
        self._find = find
        self._places = threading.BoundedSemaphore(_MOST)
        self._idle: deque[psycopg.Connection[Any]] = deque()
        self._url = ""

    def row(self, statement: bytes, values: Mapping[str, object]) -> tuple[Any, ...]:
        """Run a prepared statement and return its one row; values go both ways in binary.

        Raises
        ------
        StoreError
            If the database can't be reached, is too slow or lacks a table.
        """
        database = self._find()
        with self._place(database):
            try:
                return self._row(database, statement, values)
            except psycopg.Error as error:
                raise _store_error(database, error) from error

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _place(self, database: Database) -> Iterator[None]:
        if not self._places.acquire(timeout=_WAIT_SECONDS):
            raise StoreError(_name(database), expected="a free connection", got=f"{_MOST} busy ones")
        try:
            yield
        finally:
            self._places.release()

    def _row(self, database: Database, statement: bytes, values: Mapping[str, object]) -> tuple[Any, ...]:
        known = self._known(database)
        if known is not None:
            try:
                return self._run(known, database.url, statement, values)
            except psycopg.OperationalError:
                if not known.broken:
                    raise
                self.close()  # the others are of before too
        return self._run(_connect(database), database.url, statement, values)

    def _known(self, database: Database) -> psycopg.Connection[Any] | None:
        if database.url != self._url:
            self.close()
            self._url = database.url
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _run(
        self, connection: psycopg.Connection[Any], url: str, statement: bytes, values: Mapping[str, object]
    ) -> tuple[Any, ...]:
        found = None
        try:
            found = connection.execute(statement, values, prepare=True, binary=True).fetchone()
        finally:
            if found is not None and url == self._url:
                self._idle.append(connection)
            elif not connection.broken:  # a broken one is closed, and says by this that it was
                connection.close()
        if found is None:
            raise StoreError("statement", expected="one row", got="none")
        return tuple(found)


def _connect(database: Database) -> psycopg.Connection[Any]:
    address = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_SECONDS)
    connection.execute(_SESSION)
    return connection


def _store_error(database: Database, error: psycopg.Error) -> StoreError:
    lines = str(error).strip().splitlines()
    todo = "Is it running? Try `leadloop status`."
    if isinstance(error, psycopg.errors.UndefinedTable):
        todo = "Run `leadloop up`, or `python -m infra.migrations` for a database of your own."
    return StoreError(
        _name(database), expected="an answer", got=lines[0] if lines else type(error).__name__, todo=todo
    )


def _name(database: Database) -> str:
    return f"database {make_url(database.url).render_as_string(hide_password=True)}"
