"""Connections to the platform's own Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError

from estate.core.errors import StoreError


class Database:
    """One Postgres database, with a small pool of connections that are checked before use.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/name``; psycopg 3 is used whatever driver is named.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def engine(self) -> sa.Engine:
        """The pool, one for each process and address."""
        return _engine(self.url)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction: commits at the end, rolls back on an error.

        Raises
        ------
        StoreError
            If the database can't be reached or lacks a table.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise StoreError(
                f"database {self.engine.url.render_as_string(hide_password=True)}",
                expected="an answer",
                got=str(error.orig).strip().splitlines()[0] if error.orig else "none",
                todo="Is it running? Try `leadloop status`.",
            ) from error
        except ProgrammingError as error:
            if "does not exist" not in str(error.orig):
                raise
            raise StoreError(
                "database",
                expected="all tables",
                got=str(error.orig).strip().splitlines()[0],
                todo="Run `leadloop up`, or `python -m infra.migrations` for a database of your own.",
            ) from error


def psycopg_url(url: str) -> sa.URL:
    """Return the address with psycopg 3 as its driver.

    Examples
    --------
    >>> psycopg_url("postgres://u@localhost/leadloop").drivername
    'postgresql+psycopg'
    """
    parsed = sa.make_url(url.replace("postgres://", "postgresql://", 1))
    return parsed.set(drivername="postgresql+psycopg")


@lru_cache(maxsize=256)  # one that is pushed out would leave its connections open
def _engine(url: str) -> sa.Engine:
    return sa.create_engine(
        psycopg_url(url), pool_size=4, max_overflow=8, pool_pre_ping=True, connect_args={"connect_timeout": 5}
    )
