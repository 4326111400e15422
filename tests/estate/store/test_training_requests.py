"""No trigger is lost, none runs twice."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.training_rules import DEFAULT_RULES
from estate.store import training_leases
from estate.store.database import Database
from estate.store.governor_decisions import decisions_of
from estate.store.training_claims import claim_waiting
from estate.store.training_requests import (
    Request,
    get,
    list_requests,
    mark,
    request_training,
)
from estate.store.training_tables import training_requests as table
from estate.store.watch_passes import WatchFinding, WatchPass, list_passes, request_for_drift, save_pass


def _ask(database: Database, model: str = "churn", key: str | None = None) -> Request:
    with database.begin() as connection:
        return request_training(connection, model, cause="person", detail="by hand", dedupe_key=key)


def _claim(database: Database) -> list[Request]:
    with database.begin() as connection:
        return claim_waiting(connection, lambda _: DEFAULT_RULES)


def _age(database: Database, request_id: str, by: timedelta) -> None:
    with database.begin() as connection:
        old = sa.update(table).where(table.c.request_id == request_id)
        connection.execute(old.values(changed_at=now() - by))


def test_the_same_trigger_twice_is_one_request(database: Database) -> None:
    first = _ask(database, key="monday")
    assert _ask(database, key="monday") == first


def test_a_trigger_of_another_model_can_not_take_the_key(database: Database) -> None:
    _ask(database, key="monday")
    with pytest.raises(StoreError, match="expected model lead_conversion, got churn"):
        _ask(database, "lead_conversion", key="monday")


def test_while_one_waits_another_is_kept_as_merged(database: Database) -> None:
    first, second = _ask(database), _ask(database)
    assert (first.state, second.state) == ("waiting", "merged")
    assert second.reason == f"request {first.request_id} was already waiting"
    with database.begin() as connection:
        assert {r.request_id for r in list_requests(connection)} == {first.request_id, second.request_id}
        assert list_requests(connection, "churn", states=("waiting",)) == [first]


def test_a_training_as_of_another_time_is_not_merged(database: Database) -> None:
    _ask(database)
    with database.begin() as connection:
        as_of = datetime(2026, 1, 5, tzinfo=UTC)
        other = request_training(connection, "churn", cause="person", detail="replay", as_of=as_of)
    assert (other.state, other.as_of) == ("waiting", as_of)


def test_one_request_a_model_is_claimed_and_the_next_waits_until_it_is_done(database: Database) -> None:
    first, other = _ask(database), _ask(database, "lead_conversion")
    claimed = _claim(database)
    assert {r.request_id for r in claimed} == {first.request_id, other.request_id}
    assert {r.state for r in claimed} == {"dispatched"}
    second = _ask(database)
    assert _claim(database) == []
    with database.begin() as connection:
        lease = training_leases.take(connection, "churn", first.request_id)
        mark(connection, first.request_id, "running", flow_run_id="run-1")
    assert lease is not None
    assert _claim(database) == []
    with database.begin() as connection:
        assert mark(connection, first.request_id, "done").flow_run_id == "run-1"
    assert [r.request_id for r in _claim(database)] == [second.request_id]


def test_two_dispatchers_at_once_never_claim_the_same_model(database: Database) -> None:
    models = [f"model_{i}" for i in range(12)]
    with database.begin() as connection:
        for model in models:
            for day in range(3):  # not merged: each as of another day
                as_of = datetime(2026, 1, 1 + day, tzinfo=UTC)
                request_training(connection, model, cause="schedule", detail="", as_of=as_of)
    start = threading.Barrier(4)

    def dispatcher(_: int) -> list[Request]:
        start.wait()
        return _claim(database)

    with ThreadPoolExecutor(4) as pool:
        claimed = [request for found in pool.map(dispatcher, range(4)) for request in found]
    claimed += _claim(database)  # what was skipped because another one held it
    assert Counter(request.model for request in claimed) == Counter(models)


def test_a_dispatcher_does_not_wait_for_one_that_is_slow(database: Database) -> None:
    _ask(database)
    with database.begin() as slow:
        assert len(claim_waiting(slow, lambda _: DEFAULT_RULES)) == 1
        assert _claim(database) == []


def test_triggers_at_once_leave_one_waiting_and_the_others_merged(database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: _ask(database), range(6)))
    assert Counter(request.state for request in made) == {"waiting": 1, "merged": 5}


def test_a_request_whose_run_never_started_waits_again(database: Database) -> None:
    made = _ask(database)
    _claim(database)
    _age(database, made.request_id, timedelta(minutes=20))
    assert [r.request_id for r in _claim(database)] == [made.request_id]


def test_a_person_is_not_merged_into_what_may_be_held(database: Database) -> None:
    with database.begin() as connection:
        drift = request_training(connection, "churn", cause="drift", detail="moved")
    assert (drift.state, _ask(database).state) == ("waiting", "waiting")


def test_what_is_merged_is_a_row_of_the_governor(database: Database) -> None:
    first, second = _ask(database), _ask(database)
    with database.begin() as connection:
        (row,) = decisions_of(connection, "churn")
    assert (row.request_id, row.decision) == (second.request_id, "merged")
    assert first.request_id in row.reason


def test_a_killed_run_may_run_again(database: Database) -> None:
    made = _ask(database)
    with database.begin() as connection:
        for state in ("dispatched", "running", "failed", "running", "done", "running", "done"):
            assert mark(connection, made.request_id, state).state == state


def test_a_merged_request_never_runs(database: Database) -> None:
    _ask(database)
    merged = _ask(database)
    with pytest.raises(StoreError, match="before running, got merged"), database.begin() as connection:
        mark(connection, merged.request_id, "running")


def test_an_unknown_request_is_named(database: Database) -> None:
    unknown = str(uuid.uuid4())
    with pytest.raises(StoreError, match=f"{unknown}.*none of that id"), database.begin() as connection:
        get(connection, unknown)


def _pass(database: Database, version: str = "3") -> WatchPass:
    with database.begin() as connection:
        request = request_for_drift(connection, "churn", version, detail="moved")
        made = WatchPass(
            pass_id=str(uuid.uuid4()),
            model="churn",
            version=version,
            decision="drift",
            findings=(WatchFinding("MON201", "budget_usd", 0.4, 0.2, "moved"),),
            rows=500,
            window_from=now(),
            window_to=now(),
            report=None,
            request_id=request.request_id,
            at=now(),
        )
        save_pass(connection, made)
    return made


def test_drift_of_a_version_is_asked_once_and_of_the_next_version_again(database: Database) -> None:
    first, again, following = _pass(database), _pass(database), _pass(database, "30")
    assert first.request_id == again.request_id != following.request_id


def test_drift_is_asked_again_after_its_training_failed(database: Database) -> None:
    first = _pass(database)
    assert first.request_id
    with database.begin() as connection:
        mark(connection, first.request_id, "failed", reason="out of memory")
    second = _pass(database)
    assert second.request_id != first.request_id
    assert _pass(database).request_id == second.request_id


def test_passes_are_read_back_newest_first_with_their_requests(database: Database) -> None:
    made = [_pass(database), _pass(database), _pass(database, "4")]
    with database.begin() as connection:
        assert list_passes(connection, "churn") == made[::-1]
        assert list_passes(connection, "lead_conversion") == []


def test_drift_is_asked_again_a_week_later_if_the_version_is_still_there(database: Database) -> None:
    def asked(day: int) -> str:
        with database.begin() as connection:
            moment = now() + timedelta(days=day)
            return request_for_drift(connection, "churn", "3", detail="moved", as_of=moment).request_id

    first = asked(0)
    assert asked(6) == first
    second = asked(8)
    assert second != first
    assert asked(14) == second


def test_each_training_that_changed_nothing_doubles_the_pause_up_to_eight_weeks(database: Database) -> None:
    start, day = now(), 0
    paused: list[int] = []
    for _ in range(6):
        with database.begin() as connection:
            moment = start + timedelta(days=day)
            asked = request_for_drift(connection, "churn", "3", detail="moved", as_of=moment)
            mark(connection, asked.request_id, "running")
            mark(connection, asked.request_id, "done", reason="refused by its gate")
        last = day
        while True:  # a pass a day
            day += 1
            with database.begin() as connection:
                moment = start + timedelta(days=day)
                other = request_for_drift(connection, "churn", "3", detail="moved", as_of=moment)
                if other.request_id != asked.request_id:
                    break
        paused.append(day - last)
    assert paused == [7, 14, 28, 56, 56, 56]
