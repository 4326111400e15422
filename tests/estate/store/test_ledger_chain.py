"""Whoever tampers with the ledger is found, and the row is named."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from estate.core.errors import StoreError
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Order
from estate.store.ledger_chain import Chain, Head, check_chain, row_hash
from estate.store.tables import ledger as table

Row = dict[str, object]


@pytest.fixture
def six(database: Database) -> Database:
    """Return a database with six rows, and a gap in their numbers before the fifth one."""
    for version in "123456":
        with database.begin() as connection:
            if version == "5":
                connection.execute(sa.select(sa.func.nextval("ledger_seq_seq")))
            order = Order(model="churn", decision="promoted", to_version=version, who="ann", why="better")
            ledger.append(connection, order)
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_no_change")
    return database


def rows(connection: sa.Connection) -> list[Row]:
    return [dict(row) for row in connection.execute(sa.select(table).order_by(table.c.seq)).mappings()]


def put(connection: sa.Connection, changed: list[Row]) -> None:
    connection.execute(table.delete())
    for row in changed:
        insert = "INSERT INTO ledger ({}) OVERRIDING SYSTEM VALUE VALUES ({})"
        names = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(insert.format(*names)), row)


def tamper(database: Database, how: str) -> None:
    with database.begin() as connection:
        found = rows(connection)
        by_seq = {row["seq"]: row for row in found}
        match how:
            case "changed":
                by_seq[3]["who"] = "eve"
            case "changed with its hash":
                by_seq[3]["who"] = "eve"
                by_seq[3]["hash"] = row_hash(by_seq[3])
            case "changed by a second":
                by_seq[2]["at"] = datetime(2026, 1, 5, tzinfo=UTC)
            case "deleted":
                found.remove(by_seq[3])
            case "two deleted":
                found[1:3] = []
            case "the first deleted":
                found.remove(by_seq[1])
            case "inserted with a hash":
                new = {**by_seq[4], "seq": 5, "who": "eve", "previous_hash": by_seq[4]["hash"]}
                found.append({**new, "hash": row_hash(new)})
            case "inserted apart":
                new = {**by_seq[4], "seq": 5, "who": "eve", "previous_hash": "0" * 64}
                found.append({**new, "hash": row_hash(new)})
            case "neighbours swapped":
                by_seq[2]["seq"], by_seq[3]["seq"] = 3, 2
            case "two swapped":
                by_seq[2]["seq"], by_seq[6]["seq"] = 6, 2
            case _:
                raise AssertionError(how)
        put(connection, found)


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("changed", "ledger row 3: expected hash .* which its content has, got"),
        ("changed with its hash", "ledger row 3: expected what it was, got it rewritten with its hash"),
        ("changed by a second", "ledger row 2: expected hash"),
        ("deleted", "ledger row 3: expected what row 4 follows, got none: deleted"),
        ("two deleted", "ledger rows 2 to 3: expected what row 4 follows, got none: deleted"),
        ("the first deleted", r"ledger row 1: expected what row 2 follows, got none: deleted\."),
        ("inserted with a hash", "ledger row 5: expected row 6, .* behind row 4, got inserted"),
        ("inserted apart", "ledger row 5: expected row 6, .* behind row 4, got an inserted one"),
        ("neighbours swapped", "ledger rows 2 and 3: expected the row behind row 1 at 2, got them swapped"),
        ("two swapped", "ledger rows 2 and 6: expected the row behind row 1 at 2, got them swapped"),
    ],
)
def test_the_row_that_was_tampered_with_is_named(six: Database, how: str, named: str) -> None:
    tamper(six, how)
    with six.begin() as connection, pytest.raises(StoreError, match=named):
        check_chain(connection)


def test_a_whole_chain_is_whole_with_its_gaps(six: Database) -> None:
    with six.begin() as connection:
        chain = check_chain(connection)
        newest = rows(connection)[-1]
    assert chain == Chain(6, Head(7, str(newest["hash"])))


def test_an_empty_ledger_is_whole(database: Database) -> None:
    with database.begin() as connection:
        assert check_chain(connection) == Chain(0, None)


def test_cut_off_rows_are_found_by_who_has_the_head(six: Database) -> None:
    with six.begin() as connection:
        head = check_chain(connection).head
        connection.execute(table.delete().where(table.c.seq > 4))
        assert check_chain(connection).rows == 4
        with pytest.raises(StoreError, match="ends at row 4: rows were cut off or rewritten"):
            check_chain(connection, known=head)
        connection.execute(table.delete())
        with pytest.raises(StoreError, match="got an empty ledger: rows were cut off"):
            check_chain(connection, known=head)


def test_a_chain_rewritten_to_its_end_is_found_by_who_has_the_head(six: Database) -> None:
    with six.begin() as connection:
        head = check_chain(connection).head
        changed, previous = rows(connection), ""
        changed[2]["who"] = "eve"
        for row in changed:
            row["previous_hash"] = previous
            previous = row["hash"] = row_hash(row)
        put(connection, changed)
        assert check_chain(connection).rows == 6
        with pytest.raises(
            StoreError, match=r"row 7 with hash .* got row 7 with hash .*cut off or rewritten"
        ):
            check_chain(connection, known=head)


def chain_of(count: int) -> Iterator[Row]:
    previous, start = "", datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(count):
        row: Row = {
            "model": f"model_{number % 7}",
            "decision": "refused" if number % 3 else "promoted",
            "from_version": str(number),
            "to_version": str(number + 1),
            "who": "ann",
            "why": "A reason of the usual length, with an é in it.",
            "evidence_digest": f"{number:064x}",
            "rollout": None,
            "at": start + timedelta(seconds=number),
            "previous_hash": previous,
        }
        previous = row_hash(row)
        yield {**row, "hash": previous}


@pytest.mark.thorough
def test_a_hundred_thousand_rows_are_checked_and_one_change_is_found(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    made = list(chain_of(100_000))
    with database.begin() as connection:
        for start in range(0, len(made), 5_000):
            connection.execute(table.insert().values(made[start : start + 5_000]))
    with database.begin() as connection:
        began = time.perf_counter()
        assert check_chain(connection).rows == 100_000
        seconds = time.perf_counter() - began
    with capsys.disabled():
        sys.stdout.write(f"\n100000 rows of the ledger checked in {seconds:.1f} s\n")
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_no_change")
        connection.exec_driver_sql("UPDATE ledger SET why = why || '.' WHERE seq = 77777")
    with database.begin() as connection, pytest.raises(StoreError, match="ledger row 77777: expected hash"):
        check_chain(connection)
