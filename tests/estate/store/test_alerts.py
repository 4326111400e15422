"""Who is told of what: once, again after a while, and never lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from estate.store.alerts import (
    GIVE_UP_AFTER,
    begin_try,
    list_alerts,
    mark_not_sent,
    mark_sent,
    queue,
    untold,
)
from estate.store.database import Database
from estate.store.incidents import Incident, record_findings
from estate.store.watch_passes import WatchFinding

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
JUDGED = frozenset({"MON101", "MON211"})


@pytest.fixture
def incident(database: Database) -> Incident:
    """Return an open incident that nobody was told of."""
    finding = WatchFinding("MON101", "budget_usd", 0.4, 0.1, "missing in 40 % of the rows")
    with database.begin() as connection:
        changes = record_findings(connection, "churn", [finding], owner="ana", at=NOON, judged=JUDGED)
    (opened,) = changes.opened
    return opened


def test_the_same_news_is_queued_once(database: Database, incident: Incident) -> None:
    with database.begin() as connection:
        for minutes in range(3):
            at = NOON + minutes * MINUTE
            queue(connection, incident, "webhook", kind="opened", at=at, due_at=at)
        (alert,) = list_alerts(connection)
    assert (alert.kind, alert.state, alert.tries, alert.at) == ("opened", "waiting", 0, NOON)


def test_a_try_is_counted_before_it_is_made_and_due_again_later(
    database: Database, incident: Incident
) -> None:
    with database.begin() as connection:
        queue(connection, incident, "webhook", kind="opened", at=NOON, due_at=NOON + MINUTE)
        assert begin_try(connection, "webhook", at=NOON) == []  # quiet hours
        assert begin_try(connection, "email", at=NOON + MINUTE) == []
        assert len(begin_try(connection, "webhook", at=NOON + MINUTE)) == 1
        assert begin_try(connection, "webhook", at=NOON + 1.5 * MINUTE) == []
        (again,) = begin_try(connection, "webhook", at=NOON + 2 * MINUTE)
        assert again.tries == 1
        mark_sent(connection, [again], at=NOON + 2 * MINUTE)
        (sent,) = list_alerts(connection, state="sent")
    assert (sent.tries, sent.sent_at) == (2, NOON + 2 * MINUTE)


def test_given_up_after_a_day_and_five_tries_and_told_again_later(
    database: Database, incident: Incident
) -> None:
    late = NOON + GIVE_UP_AFTER + MINUTE
    with database.begin() as connection:
        queue(connection, incident, "webhook", kind="opened", at=NOON, due_at=NOON)
        tried = begin_try(connection, "webhook", at=late)
        assert mark_not_sent(connection, tried, "ConnectError", at=late) == 0  # one late try is no reason
        for _ in range(4):
            late += timedelta(hours=1)
            tried = begin_try(connection, "webhook", at=late)
        assert mark_not_sent(connection, tried, "ConnectError", at=late) == 1
        (failed,) = list_alerts(connection, state="failed")
        assert failed.error == "ConnectError"
        ((still_open, kind),) = untold(connection, "webhook", before=late)
    assert (still_open.incident_id, kind) == (incident.incident_id, "again")


def test_a_new_channel_is_told_of_what_is_open_but_not_of_information(
    database: Database, incident: Incident
) -> None:
    mix = WatchFinding("MON211", "source", 0.2, 0.1, "other shares")
    with database.begin() as connection:
        record_findings(connection, "churn", [mix], owner="ana", at=NOON, judged=frozenset({"MON211"}))
        queue(connection, incident, "webhook", kind="opened", at=NOON, due_at=NOON)
        assert untold(connection, "webhook", before=NOON + MINUTE) == []  # it waits
        ((found, kind),) = untold(connection, "email", before=NOON + MINUTE)
    assert (found.incident_id, kind) == (incident.incident_id, "opened")
