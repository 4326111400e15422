"""Step: the databases are there, with what Prefect and MLflow want in theirs.

Reads the addresses from ``LEADLOOP_DATABASE_URL``, ``LEADLOOP_MLFLOW_DATABASE_URL`` and
``LEADLOOP_PREFECT_DATABASE_URL``; one that is not set belongs to a server that somebody else runs.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import psycopg
from psycopg import sql

from estate.core.errors import StoreError
from infra.stack import database_urls

VARIABLES = ("LEADLOOP_DATABASE_URL", "LEADLOOP_MLFLOW_DATABASE_URL", "LEADLOOP_PREFECT_DATABASE_URL")
_INTEGER_NE_TEXT = """
    CREATE OR REPLACE FUNCTION integer_ne_text(integer, varchar) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $$ SELECT $1 <> $2::integer $$
"""
_INTEGER_NE_TEXT_OPERATOR = (
    "CREATE OPERATOR <> (LEFTARG = integer, RIGHTARG = varchar, FUNCTION = integer_ne_text)"
)


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


def mend_stage_moves(url: str) -> bool:
    """Make MLflow's "transition existing versions to Archived" work; return whether this user may.

    MLflow 3.17 compares a version's number with a text there. Drivers that leave the text's type open get
    away with it; psycopg 3 names the type, and Postgres has no such comparison. It gets one, in this
    database alone. Safe to repeat.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    try:
        with psycopg.connect(database_urls.libpq(url), autocommit=True) as connection:
            connection.execute(_INTEGER_NE_TEXT)
            with suppress(psycopg.errors.DuplicateFunction):  # the operator of an earlier start
                connection.execute(_INTEGER_NE_TEXT_OPERATOR)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error as error:
        raise _refused(url, error) from error
    return True


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
                if variable == "LEADLOOP_MLFLOW_DATABASE_URL" and not mend_stage_moves(url):
                    print(  # noqa: T201 - this is the step's log
                        "This user may not create an operator in MLflow's database: its old stage menu will "
                        "refuse to archive the former versions. Untick that."
                    )
    except StoreError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
