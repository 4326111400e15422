"""What the platform's own processes may and may not do in the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from estate.core.settings import Settings
from estate.store import ledger, predictions, registry_views
from estate.store.all_tables import metadata
from estate.store.database import Database
from estate.store.ledger import Order
from infra.cli.checks import ledger as check_ledger
from infra.migrations.rights import APPEND_ONLY_TABLES, grant_rights
from infra.stack import rights
from infra.stack.migrate import migrate
from infra.stack.postgres import PARTS_USER

ORDER = Order(model="churn", decision="promoted", to_version="1", who="ann", why="better")
CHANGES = ("UPDATE {} SET model = 'x'", "DELETE FROM {}", "TRUNCATE {}")


@pytest.mark.parametrize("table", APPEND_ONLY_TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_parts_are_refused_by_their_rights(parts_database: Database, table: str, change: str) -> None:
    with pytest.raises(sa.exc.ProgrammingError) as caught, parts_database.begin() as connection:
        connection.exec_driver_sql(change.format(table))
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("table", APPEND_ONLY_TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_is_refused_by_the_trigger(database: Database, table: str, change: str) -> None:
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), database.begin() as connection:
        connection.exec_driver_sql(change.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ledger DISABLE TRIGGER ledger_no_change",
        "DROP TABLE evidence",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_parts_cannot_take_the_guards_away(parts_database: Database, statement: str) -> None:
    with pytest.raises(sa.exc.ProgrammingError) as caught, parts_database.begin() as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)


def test_parts_write_the_ledger_and_change_the_rest(parts_database: Database) -> None:
    with parts_database.begin() as connection:
        written = ledger.append(connection, ORDER)
        registry_views.write(connection, "churn", alias="1", stage=None)
        registry_views.write(connection, "churn", alias="2", stage=None)
        assert ledger.current(connection, "churn") == written
        assert predictions.read_recent(connection, "churn") == []


def test_parts_may_read_and_write_every_table(parts_database: Database) -> None:
    with parts_database.begin() as connection:
        for table in metadata.tables:
            wanted = "SELECT,INSERT" if table in APPEND_ONLY_TABLES else "SELECT,INSERT,UPDATE,DELETE"
            for right in wanted.split(","):
                query = sa.select(sa.func.has_table_privilege(table, right))
                assert connection.execute(query).scalar_one(), (table, right)


def test_later_tables_are_the_parts_too(database: Database, parts_database: Database) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, name text)")
    with parts_database.begin() as connection:
        connection.exec_driver_sql("INSERT INTO later (name) VALUES ('a')")
        connection.exec_driver_sql("UPDATE later SET name = 'b'")


def test_rights_are_given_again_without_harm(database: Database, parts_database: Database) -> None:
    with database.begin() as connection:
        assert grant_rights(connection)
    test_parts_write_the_ledger_and_change_the_rest(parts_database)


def test_an_admitted_user_logs_in_and_has_the_rights_of_the_parts(database: Database) -> None:
    parts = sa.make_url(database.url).set(username=PARTS_USER, password="s3cret")
    url = parts.set(drivername="postgresql").render_as_string(hide_password=False)
    stored = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{PARTS_USER}'"
    try:
        for _ in range(2):
            rights.admit(database.url, url)
        assert rights.changeable(url) == ()
        assert rights.changeable(database.url) == ("evidence", "ledger")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (PARTS_USER,)
        with database.begin() as connection:
            assert connection.exec_driver_sql(stored).scalar_one().startswith("SCRAM-SHA-256$")
    finally:
        with database.begin() as connection:
            connection.exec_driver_sql(f"DROP ROLE IF EXISTS {PARTS_USER}")


def test_migrating_as_the_owner_lets_the_other_user_work_and_the_doctor_tells_them_apart(
    database: Database,
) -> None:
    url = sa.make_url(database.url).set(username="desk", password="s3cret", drivername="postgresql")
    parts = url.render_as_string(hide_password=False)
    try:
        for _ in range(2):
            migrate(parts, database.url)
        with psycopg.connect(parts) as connection:
            connection.execute("INSERT INTO registry_views (model, settled_at) VALUES ('churn', now())")
            connection.rollback()
        found = check_ledger(Settings(_env_file=None, database_url=SecretStr(parts)))
        assert (found.ok, found.warns) == (True, False)
        found = check_ledger(Settings(_env_file=None, database_url=SecretStr(database.url)))
        assert (found.ok, found.warns) == (True, True)
        assert "could change the evidence and the ledger" in found.found
        assert "LEADLOOP_OWNER_DATABASE_URL" in found.todo
    finally:
        with database.begin() as connection:
            connection.exec_driver_sql("DROP ROLE IF EXISTS desk")


def test_many_may_be_admitted_at_once(database: Database) -> None:
    url = sa.make_url(database.url).set(username=PARTS_USER, password="s3cret")
    parts = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: rights.admit(database.url, parts), range(8))) == [None] * 8
    finally:
        with database.begin() as connection:
            connection.exec_driver_sql(f"DROP ROLE {PARTS_USER}")
