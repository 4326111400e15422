"""One run a model; a run that is dead, or silent for 30 seconds, has lost its lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from estate.core.errors import TrainingError
from estate.store import training_leases
from estate.store.database import Database
from estate.store.training_leases import Kept, Lease, beat, free, give_back, held_requests, kept, take
from estate.store.training_tables import training_leases as table

HOLDER = """
import sys, time
from estate.store.database import Database
from estate.store.training_leases import kept, take
database = Database(sys.argv[1])
with database.begin() as connection:
    lease = take(connection, "churn", sys.argv[2])
with kept(database, lease):
    print("held", flush=True)
    time.sleep(600)
"""


def _take(database: Database, request: str | None = None) -> Lease | None:
    with database.begin() as connection:
        return take(connection, "churn", request or str(uuid.uuid4()))


def _age(database: Database, by: timedelta) -> None:
    with database.begin() as connection:
        connection.execute(sa.update(table).values(seen_at=table.c.seen_at - by))


def test_a_lease_is_held_by_one(database: Database) -> None:
    lease = _take(database)
    assert lease is not None
    assert _take(database) is None
    with database.begin() as connection:
        assert take(connection, "sale", str(uuid.uuid4())) is not None
        give_back(connection, lease)
    assert _take(database) is not None


def test_a_silent_holder_has_lost_it_after_thirty_seconds(database: Database) -> None:
    first = _take(database)
    assert first is not None
    _age(database, timedelta(seconds=28))
    assert _take(database) is None
    _age(database, timedelta(seconds=3))
    second = _take(database)
    assert second is not None
    with database.begin() as connection:
        assert not beat(connection, first)
        assert beat(connection, second)
        assert held_requests(connection) == {second.request_id}
        with pytest.raises(TrainingError, match="another run has taken over"):
            give_back(connection, first)


def test_a_beat_keeps_it(database: Database) -> None:
    lease = _take(database)
    assert lease is not None
    _age(database, timedelta(seconds=28))
    with database.begin() as connection:
        assert beat(connection, lease)
    _age(database, timedelta(seconds=28))
    assert _take(database) is None


def test_a_killed_holder_on_this_machine_has_lost_it_at_once(database: Database) -> None:
    request = str(uuid.uuid4())
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database.url, request], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert _take(database) is None
    with database.begin() as connection:
        assert held_requests(connection) == {request}
    os.kill(holder.pid, signal.SIGKILL)
    until = time.monotonic() + 20  # not collected: what is left of it counts as gone
    while (taken := _take(database)) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    holder.communicate()
    assert holder.returncode == -signal.SIGKILL
    with database.begin() as connection:
        assert held_requests(connection) == {taken.request_id}


def _require_for(keeper: Kept, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        keeper.require()
        time.sleep(0.01)


def test_a_run_that_was_silent_for_too_long_stops_itself(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_leases, "BEAT_SECONDS", 0.02)
    lease = _take(database)
    assert lease is not None
    with kept(database, lease) as keeper:
        keeper.require()
        with database.begin() as connection:  # as if it had slept, and another one had come
            free(connection, lease.request_id)
        assert _take(database) is not None
        with pytest.raises(TrainingError, match=lease.request_id):
            _require_for(keeper, seconds=20)
