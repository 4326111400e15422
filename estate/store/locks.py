"""Locks between processes and machines, kept by Postgres: a holder that dies has let go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from estate.core.errors import StoreError
from estate.store.database import Database

_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True)
class Held:
    """A lock that this process holds as long as ``connection`` lives."""

    name: str
    connection: sa.Connection

    def alive(self) -> bool:
        """Return whether the session that carries the lock still answers; if not, the lock is lost."""
        try:
            self.connection.exec_driver_sql("SELECT 1")
        except DBAPIError:
            return False
        return True


@contextmanager
def advisory_lock(database: Database, name: str, *, wait_seconds: float = 600.0) -> Iterator[Held]:
    """Hold the lock ``name`` for the length of the block, on a connection of its own.

    Raises
    ------
    StoreError
        If somebody else keeps it for longer than ``wait_seconds``, or the database can't be reached.
    """
    with _own_connection(database) as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {int(wait_seconds * 1000)}")
        try:
            connection.execute(sa.select(sa.func.pg_advisory_lock(lock_key(name))))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise StoreError(
                f"lock `{name}`",
                expected=f"it to be free within {wait_seconds:g} s",
                got="held by another process",
                todo="Try again when the other one is done.",
            ) from error
        yield Held(name, connection)


@contextmanager
def try_advisory_lock(database: Database, name: str) -> Iterator[Held | None]:
    """Hold the lock ``name`` if it is free; None, at once, if it is not.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    with _own_connection(database) as connection:
        free = connection.execute(sa.select(sa.func.pg_try_advisory_lock(lock_key(name)))).scalar_one()
        yield Held(name, connection) if free else None


def lock_key(name: str) -> int:
    """Return the 64-bit number by which Postgres knows the lock.

    Examples
    --------
    >>> lock_key("ledger") == lock_key("ledger") != lock_key("registry churn")
    True
    """
    return int.from_bytes(hashlib.sha256(f"leadloop {name}".encode()).digest()[:8], "big", signed=True)


@contextmanager
def _own_connection(database: Database) -> Iterator[sa.Connection]:
    # Detached from the pool: closing it ends the session, and the session's end frees the lock, even
    # where an unlock would fail. Autocommit: a lock held for minutes must not keep a transaction open.
    try:
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except OperationalError as error:
        raise StoreError(
            f"database {database.engine.url.render_as_string(hide_password=True)}",
            expected="an answer",
            got=str(error.orig).strip().splitlines()[0] if error.orig else "none",
            todo="Is it running? Try `leadloop status`.",
        ) from error
    connection.detach()
    try:
        yield connection
    finally:
        connection.close()
