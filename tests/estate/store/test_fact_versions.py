"""Corrections: further versions of facts, in whatever order and by however many at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from estate.store.database import Database
from estate.store.facts import Stored, count_facts, read_facts, store_facts

DAY = timedelta(days=1)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def _leads(budgets: dict[str, float], recorded: datetime, event: datetime = MONDAY) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lead_id": list(budgets),
            "budget_usd": list(budgets.values()),
            "event_at": event,
            "recorded_at": recorded,
        }
    )


def _store(
    database: Database,
    rows: pd.DataFrame,
    corrections: Literal["recorded", "refused"] | datetime = "recorded",
) -> Stored:
    with database.begin() as connection:
        return store_facts(connection, "leads", rows, corrections=corrections)


def _budget(database: Database, as_of: datetime | None, lead: str = "a") -> list[float]:
    return read_facts(database, "leads", lead_ids=[lead], as_of=as_of)["budget_usd"].tolist()


def test_each_moment_sees_the_version_of_its_time(database: Database) -> None:
    assert _store(database, _leads({"a": 1.0, "b": 1.0}, MONDAY)) == Stored(2, 0, ())
    assert _store(database, _leads({"a": 2.0}, MONDAY + 2 * DAY)) == Stored(0, 1, ())
    moments = (MONDAY, MONDAY + 2 * DAY - timedelta(microseconds=1), MONDAY + 2 * DAY, None)
    assert [_budget(database, at) for at in moments] == [[1.0], [1.0], [2.0], [2.0]]
    assert count_facts(database, "leads") == 2
    every = read_facts(database, "leads", lead_ids=["a"], versions=True)
    assert every["superseded_at"].tolist() == [MONDAY + 2 * DAY, pd.NaT]
    early = read_facts(database, "leads", as_of=MONDAY + DAY, versions=True)
    assert early["superseded_at"].isna().all()  # what is corrected later is, as of then, the newest


def test_what_was_confirmed_stays_when_an_older_correction_comes_late(database: Database) -> None:
    _store(database, _leads({"a": 1.0}, MONDAY))
    assert _store(database, _leads({"a": 1.0}, MONDAY + 2 * DAY)) == Stored(0, 1, ())
    assert _store(database, _leads({"a": 2.0}, MONDAY + DAY)) == Stored(0, 1, ())
    assert _store(database, _leads({"a": 2.0}, MONDAY + DAY)) == Stored(0, 0, ())
    assert [_budget(database, MONDAY + days * DAY) for days in range(3)] == [[1.0], [2.0], [1.0]]


def test_rows_that_dont_know_when_they_were_recorded(database: Database) -> None:
    _store(database, _leads({"a": 1.0, "b": 1.0}, MONDAY))
    other = _leads({"a": 2.0, "b": 1.0}, MONDAY, event=MONDAY)
    assert _store(database, other, "refused") == Stored(0, 0, (("a", MONDAY),))
    moved = _leads({"b": 1.0}, MONDAY + DAY, event=MONDAY + DAY)  # another event_at is another value
    assert _store(database, moved, "refused") == Stored(0, 0, (("b", MONDAY + DAY),))
    assert _store(database, other, MONDAY + 5 * DAY) == Stored(0, 1, ())
    old = _leads({"a": 1.0}, MONDAY)  # an older export once more: it says what a version says
    assert _store(database, old, MONDAY + 6 * DAY) == Stored(0, 0, ())
    assert _budget(database, MONDAY + 4 * DAY) == [1.0]
    assert _budget(database, None) == [2.0]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_batches_make_the_same_history(seed: int, database: Database) -> None:
    """Beside plain dictionaries: the newest value recorded at or before each moment."""
    random = np.random.default_rng(seed)
    told = {
        (f"l{lead}", int(day)): float(random.integers(0, 3))
        for lead in range(12)
        for day in random.choice(20, size=random.integers(1, 8), replace=False)
    }
    said = list(told)
    random.shuffle(said)
    said += said[: len(said) // 3]  # a third comes twice
    while said:
        batch = list(dict.fromkeys(said[: random.integers(1, 12)]))
        said = said[len(batch) :]
        rows = [_leads({lead: told[lead, day]}, MONDAY + day * DAY) for lead, day in batch]
        assert not _store(database, pd.concat(rows)).conflicting
    for day in range(21):
        as_of = MONDAY + day * DAY
        expected = {}
        for lead in {lead for lead, _ in told}:
            known = [when for who, when in told if who == lead and when <= day]
            if known:
                expected[lead] = told[lead, max(known)]
        seen = read_facts(database, "leads", as_of=as_of)
        assert dict(zip(seen["lead_id"], seen["budget_usd"], strict=True)) == expected
        assert len(seen) == len(expected)


def test_many_who_correct_the_same_facts_at_once_leave_one_history(database: Database) -> None:
    names = [f"l{i}" for i in range(40)]
    start = threading.Barrier(6)

    def correct(who: int) -> None:
        start.wait()
        for turn in range(8):
            day = 1 + who + 6 * turn
            order = names if who % 2 else names[::-1]
            _store(database, _leads(dict.fromkeys(order, float(day)), MONDAY + day * DAY))

    threads = [threading.Thread(target=correct, args=(who,)) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = read_facts(database, "leads", versions=True).sort_values(["lead_id", "recorded_at"])
    assert len(every) == 40 * 48
    for _, versions in every.groupby("lead_id"):
        assert versions["superseded_at"].tolist()[:-1] == versions["recorded_at"].tolist()[1:]
        assert pd.isna(versions["superseded_at"].iloc[-1])
