"""The ledger's chain, locks and the evidence beside it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from estate.core.errors import StoreError
from estate.core.evidence import Evidence, Finding
from estate.store import evidence as evidence_store
from estate.store import ledger, registry_views
from estate.store.database import Database
from estate.store.ledger import Decision, Entry, Order
from estate.store.locks import advisory_lock, try_advisory_lock


def write(database: Database, version: str, decision: Decision = "promoted", model: str = "churn") -> Entry:
    with database.begin() as connection:
        return ledger.append(
            connection, Order(model=model, decision=decision, to_version=version, who="ann", why="ü “why”")
        )


def test_current_is_the_last_accepted(database: Database) -> None:
    write(database, "1")
    write(database, "2")
    write(database, "1", "rolled_back")
    write(database, "3", "refused")
    write(database, "9", model="other")
    with database.begin() as connection:
        assert [e.from_version for e in ledger.history(connection, "churn")] == [None, "1", "2", "1"]
        found = ledger.current_all(connection)
        assert {model: entry.to_version for model, entry in found.items()} == {"churn": "1", "other": "9"}
        assert ledger.current(connection, "churn") == found["churn"]
        assert ledger.current(connection, "nothing") is None
        past = ledger.history(connection, "churn")[1]
        assert ledger.current(connection, "churn", at=past.at) == past
        assert ledger.current(connection, "churn", at=past.at - timedelta(days=1)) is None
        assert ledger.verify(connection) == 5


def test_writers_at_once_never_fork_the_chain(database: Database) -> None:
    threads = [threading.Thread(target=write, args=(database, str(i))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.begin() as connection:
        assert ledger.verify(connection) == 8
        history = ledger.history(connection, "churn")
    assert [e.from_version for e in history] == [None, *(e.to_version for e in history[:-1])]


def test_readers_are_notified_with_the_commit(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as listener:
        listener.execute("LISTEN ledger")
        write(database, "1")
        assert [note.payload for note in listener.notifies(timeout=5, stop_after=1)] == ["churn"]


def test_advisory_lock_keeps_others_out(database: Database) -> None:
    with advisory_lock(database, "one") as held:
        assert held.alive()
        with try_advisory_lock(database, "one") as second:
            assert second is None
        with try_advisory_lock(database, "two") as other:
            assert other is not None
        with (
            pytest.raises(StoreError, match="lock `one`: expected it to be free within"),
            advisory_lock(database, "one", wait_seconds=0.05),
        ):
            pass
    with try_advisory_lock(database, "one") as free:
        assert free is not None


def test_a_lock_whose_session_ended_is_known_to_be_lost(database: Database) -> None:
    with advisory_lock(database, "one") as held:
        with database.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
        time.sleep(0.1)
        assert not held.alive()
        with try_advisory_lock(database, "one") as free:
            assert free is not None


def test_a_database_that_is_away_is_one_sentence() -> None:
    away = Database("postgresql://nobody:secret@127.0.0.1:9/x")
    with pytest.raises(StoreError, match="Is it running") as caught, advisory_lock(away, "one"):
        pass
    assert "secret" not in str(caught.value)


def evidence() -> Evidence:
    return Evidence(
        model="churn",
        training_key="k",
        bundle_digest="b",
        verdict=False,
        findings=(Finding("GATE101", False, "worse"),),
        measures=(),
        baseline=(),
        champion=(),
        champion_version=None,
        slices=(),
        data_fingerprint="d",
        feature_fingerprint="f",
        code_version="c",
        as_of=datetime(2026, 1, 5, tzinfo=UTC),
        rows=1000,
        holdout_rows=200,
        mature_share=0.9,
    )


def test_evidence_is_kept_and_never_replaced(database: Database) -> None:
    with database.begin() as connection:
        assert evidence_store.load(connection, "churn", "1") is None
        for _ in range(2):
            evidence_store.save(connection, "churn", "1", evidence())
        assert evidence_store.load(connection, "churn", "1") == evidence()
        with pytest.raises(StoreError, match="Evidence is never replaced"):
            evidence_store.save(connection, "churn", "1", replace(evidence(), rows=1))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE evidence SET document = replace(document, 'worse', 'better')",
        "UPDATE evidence SET verdict = true",
        "UPDATE evidence SET bundle_digest = 'other'",
    ],
)
def test_changed_evidence_is_noticed(database: Database, damage: str) -> None:
    with database.begin() as connection:
        evidence_store.save(connection, "churn", "1", evidence())
        connection.exec_driver_sql("ALTER TABLE evidence DISABLE TRIGGER evidence_no_change")
        connection.exec_driver_sql(damage)
        with pytest.raises(StoreError, match="changed in the database"):
            evidence_store.load(connection, "churn", "1")


def test_views_are_overwritten(database: Database) -> None:
    with database.begin() as connection:
        assert registry_views.read(connection, "churn") is None
        registry_views.write(connection, "churn", alias="1", stage=None)
        registry_views.write(connection, "churn", alias="2", stage="1,2")
        view = registry_views.read(connection, "churn")
        assert view is not None
        assert (view.alias_version, view.stage_version) == ("2", "1,2")
        assert registry_views.read_all(connection) == {"churn": view}
