"""Step: the databases are there, with the extension that Prefect wants.

Reads the addresses from ``LEADLOOP_DATABASE_URL``, ``LEADLOOP_MLFLOW_DATABASE_URL`` and
``LEADLOOP_PREFECT_DATABASE_URL``; one that is not set belongs to a server that somebody else runs.
"""

from __future__ import annotations

import os
import sys

import psycopg
from psycopg import sql

from estate.core.errors import StoreError
from infra.stack import database_urls

VARIABLES = ("LEADLOOP_DATABASE_URL", "LEADLOOP_MLFLOW_DATABASE_URL", "LEADLOOP_PREFECT_DATABASE_URL")


def create_database(url: str) -> bool:
    """Create the database of this address if it is missing; return whether it was.

    Raises
    ------
    StoreError
        If the server can't be reached, or refuses.
    """
    url = database_urls.libpq(url)
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise _refused(url, error) from error
    else:
        return False
    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database_urls.database_name(url)))
    try:
        with psycopg.connect(database_urls.beside(url, "postgres"), autocommit=True) as connection:
            connection.execute(create)
    except psycopg.errors.DuplicateDatabase:  # somebody else was faster
        return False
    except psycopg.Error as error:
        raise _refused(url, error) from error
    return True


def create_trigrams(url: str) -> None:
    """Create the extension ``pg_trgm``, on which Prefect's migrations build.

    Raises
    ------
    StoreError
        If the server has no such extension or this user may not create it.
    """
    try:
        with psycopg.connect(database_urls.libpq(url), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except psycopg.Error as error:
        raise _refused(url, error) from error


def _refused(url: str, error: psycopg.Error) -> StoreError:
    return StoreError(
        f"database {database_urls.without_password(url)}",
        expected="a Postgres that lets us in and create databases",
        got=" ".join(str(error).split()),
        todo="Check the address, the password and the user's rights.",
    )


def main() -> None:
    """Make all of them; the error, if any, is one line of the step's log."""
    try:
        for variable in VARIABLES:
            if url := os.environ.get(variable):
                create_database(url)
                if variable == "LEADLOOP_PREFECT_DATABASE_URL":
                    create_trigrams(url)
    except StoreError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
