"""A lead is open until an outcome is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from estate.store.database import Database
from estate.store.facts import write_facts
from estate.store.open_leads import newest_open_lead_ids, open_lead_ids

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_lead_is_open_until_its_outcome_is_known(database: Database) -> None:
    leads = pd.DataFrame({"lead_id": ["b", "a"], "event_at": MONDAY, "recorded_at": MONDAY + DAY})
    outcome = pd.DataFrame(
        {
            "outcome_id": ["o"],
            "lead_id": ["a"],
            "kind": ["churned"],
            "event_at": [MONDAY + 2 * DAY],
            "recorded_at": [MONDAY + 4 * DAY],
        }
    )
    with database.begin() as connection:
        write_facts(connection, "leads", leads)
        write_facts(connection, "outcomes", outcome)
        found = [open_lead_ids(connection, as_of=MONDAY + day * DAY) for day in (0, 1, 3, 4)]
    assert found == [[], ["a", "b"], ["a", "b"], ["b"]]


def test_the_newest_open_leads_come_first_and_no_more_than_asked_for(database: Database) -> None:
    came = [MONDAY + number * DAY for number in range(4)]
    leads = pd.DataFrame({"lead_id": list("dcba"), "event_at": came, "recorded_at": came})
    with database.begin() as connection:
        write_facts(connection, "leads", leads)
        assert newest_open_lead_ids(connection, 2, as_of=MONDAY + 9 * DAY) == ["a", "b"]
        window = MONDAY, MONDAY + 2 * DAY
        assert newest_open_lead_ids(connection, 9, as_of=MONDAY + 9 * DAY, came=window) == ["b", "c"]
