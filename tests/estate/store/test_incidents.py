"""One thing that is wrong is one incident, from its first finding until it heals."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from estate.core.errors import StoreError
from estate.core.training_rules import DEFAULT_RULES, TrainingRules
from estate.store.database import Database
from estate.store.incidents import (
    IncidentChanges,
    list_incidents,
    open_breaking,
    record_findings,
    resolve,
)
from estate.store.training_claims import claim_waiting
from estate.store.training_requests import list_requests, request_training
from estate.store.watch_passes import WatchFinding

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALL = frozenset({"MON101", "MON201", "MON411"})
GONE = WatchFinding("MON101", "budget_usd", 0.4, 0.1, "`budget_usd` is missing in 40 % of the rows")
MOVED = WatchFinding("MON201", "rooms", 0.3, 0.1, "`rooms` moved")


def _rules(_model: str) -> TrainingRules:
    return DEFAULT_RULES


def _look(
    database: Database, hours: float, findings: Sequence[WatchFinding], judged: frozenset[str] = ALL
) -> IncidentChanges:
    at = NOON + timedelta(hours=hours)
    with database.begin() as connection:
        return record_findings(connection, "churn", findings, owner="ana", at=at, judged=judged)


def _all(database: Database) -> list[tuple[str, bool, int]]:
    with database.begin() as connection:
        return [(i.code, i.open, i.times) for i in list_incidents(connection, "churn")]


def test_what_is_found_again_is_the_same_incident(database: Database) -> None:
    first = _look(database, 0, [GONE])
    again = _look(database, 24, [GONE])
    assert [i.code for i in first.opened] == ["MON101"]
    assert again.opened == () == again.healed
    (incident,) = again.seen_again
    assert (incident.first_seen, incident.last_seen) == (NOON, NOON + timedelta(hours=24))
    assert (incident.times, incident.owner, incident.open) == (2, "ana", True)


def test_the_same_pass_twice_counts_once(database: Database) -> None:
    _look(database, 0, [GONE])
    _look(database, 0, [GONE])
    assert _all(database) == [("MON101", True, 1)]


def test_what_heals_says_so_and_opens_anew_when_it_comes_back(database: Database) -> None:
    _look(database, 0, [GONE, MOVED])
    healed = _look(database, 1, [MOVED]).healed
    assert [(i.code, i.resolved_at) for i in healed] == [("MON101", NOON + timedelta(hours=1))]
    assert [i.code for i in _look(database, 2, [GONE, MOVED]).opened] == ["MON101"]
    assert sorted(_all(database)) == [("MON101", False, 1), ("MON101", True, 1), ("MON201", True, 3)]


def test_what_a_pass_could_not_judge_does_not_heal(database: Database) -> None:
    _look(database, 0, [GONE])
    assert _look(database, 1, [], judged=frozenset({"MON104"})).healed == ()
    assert _all(database) == [("MON101", True, 1)]


def test_an_older_pass_heals_nothing_that_a_later_one_saw(database: Database) -> None:
    _look(database, 5, [GONE])
    assert _look(database, 1, []).healed == ()
    assert _all(database) == [("MON101", True, 1)]


def test_passes_at_once_open_one_incident(database: Database) -> None:
    together = Barrier(6)

    def look(number: int) -> int:
        together.wait()
        return len(_look(database, number, [GONE]).opened)

    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(look, range(6)))
    assert sum(opened) == 1
    assert [(code, is_open) for code, is_open, _ in _all(database)] == [("MON101", True)]


def test_a_person_closes_one_once(database: Database) -> None:
    (incident,) = _look(database, 0, [GONE]).opened
    with database.begin() as connection:
        closed = resolve(connection, incident.incident_id, "ana", "the feed is repaired")
    assert closed.resolved_how == "by ana: the feed is repaired"
    with database.begin() as connection, pytest.raises(StoreError):
        resolve(connection, incident.incident_id, "ben", "again")


def test_only_broken_data_keep_a_model_from_being_trained(database: Database) -> None:
    _look(database, 0, [MOVED])
    with database.begin() as connection:
        assert open_breaking(connection, "churn") == []
    _look(database, 1, [GONE])
    with database.begin() as connection:
        assert [i.code for i in open_breaking(connection, "churn")] == ["MON101"]
        assert open_breaking(connection, "other") == []


def test_requests_wait_with_their_reason_while_the_data_are_broken_but_not_a_persons(
    database: Database,
) -> None:
    _look(database, 0, [GONE])
    with database.begin() as connection:
        request_training(connection, "churn", cause="drift", detail="moved")
        other = request_training(connection, "sale", cause="drift", detail="moved")
        assert [one.request_id for one in claim_waiting(connection, _rules)] == [other.request_id]
        (waits,) = list_requests(connection, "churn")
        assert waits.state == "waiting"
        assert waits.reason == "the data are broken (MON101): see `leadloop incidents`"
    _look(database, 1, [])
    with database.begin() as connection:
        assert [one.model for one in claim_waiting(connection, _rules)] == ["churn"]


def test_a_person_is_not_held_by_broken_data(database: Database) -> None:
    _look(database, 0, [GONE])
    with database.begin() as connection:
        asked = request_training(connection, "churn", cause="person", detail="I know")
        assert [one.request_id for one in claim_waiting(connection, _rules)] == [asked.request_id]
