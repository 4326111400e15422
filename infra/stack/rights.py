"""The user under which the parts work: it can't change the ledger or the evidence.

This guards against mistakes in our own code and against whoever gets hold of a part's connection. It does
not guard against a person who can read ``<home>/secrets``, where the owner's password lies too.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from estate.core.errors import StoreError
from infra.migrations.rights import APPEND_ONLY_TABLES, GROUP
from infra.stack import database_urls
from infra.stack.postgres import PARTS_USER

_TRIES = 5
# Two stacks with databases of their own on one server, at the same moment.
_AT_ONCE = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation, psycopg.errors.InternalError_)


def admit(owner_url: str, app_url: str) -> None:
    """Make the user of ``app_url`` a member of the group; make the user itself if there is none.

    The password of an existing user is left alone, unless it is the embedded server's.

    Raises
    ------
    StoreError
        If the owner may not do that.
    """
    user = _user(app_url)
    try:
        for tried in range(_TRIES):
            try:
                _admit(owner_url, app_url)
                return
            except _AT_ONCE:
                if tried == _TRIES - 1:
                    raise
    except psycopg.Error as error:
        raise StoreError(
            f"database user {user}",
            expected=f"a member of the role {GROUP}",
            got=" ".join(str(error).split()),
            todo=f"Let somebody who may run: CREATE ROLE {user} LOGIN PASSWORD '…'; GRANT {GROUP} TO {user};",
        ) from error


def changeable(url: str) -> tuple[str, ...]:
    """Return which of the ledger and the evidence this user could change, by its rights or as their owner.

    Raises
    ------
    StoreError
        If the database can't be asked, or has no such tables.
    """
    query = """
        SELECT c.relname FROM pg_class c
        WHERE c.oid = ANY (%s::regclass[]::oid[]) AND (
          pg_has_role(c.relowner, 'MEMBER') OR has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'))
        ORDER BY c.relname
    """
    try:
        with psycopg.connect(database_urls.libpq(url), connect_timeout=10) as connection:
            return tuple(row[0] for row in connection.execute(query, [list(APPEND_ONLY_TABLES)]))
    except psycopg.Error as error:
        raise StoreError(
            f"database {database_urls.without_password(url)}",
            expected="tables `ledger` and `evidence`",
            got=" ".join(str(error).split()),
            todo="Run `leadloop up`: it migrates.",
        ) from error


def _admit(owner_url: str, app_url: str) -> None:
    user, password = _user(app_url), unquote(urlsplit(app_url).password or "")
    with psycopg.connect(database_urls.libpq(owner_url), connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('leadloop rights'))")
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [user]).fetchone()
        if found is None or user == PARTS_USER:
            # Hashed here, so that no log of the server can show it.
            hashed = connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256")
            verb = sql.SQL("ALTER ROLE" if found else "CREATE ROLE")
            connection.execute(
                sql.SQL("{} {} LOGIN PASSWORD {}").format(
                    verb, sql.Identifier(user), sql.Literal(hashed.decode())
                )
            )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(GROUP), sql.Identifier(user)))


def _user(url: str) -> str:
    return unquote(urlsplit(url).username or "")
