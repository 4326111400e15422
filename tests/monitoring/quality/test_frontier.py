"""Up to when outcomes are known; how often a feed that is well is called late."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from estate.store.realised import Arrivals
from monitoring.quality.frontier import Frontier, frontier_of_arrivals, frontier_of_labels
from tests.monitoring.quality.worlds import DAY_US, NOON

END = round(NOON.timestamp() * 1e6)


def feed(seed: int, *, silent_days: int = 0) -> Frontier:
    """A feed of six outcomes a working day, each heard of within two days."""
    random = np.random.default_rng(seed)
    daily = random.poisson(6.0, 120) * (np.arange(120) % 7 < 5)
    if silent_days:
        daily[-silent_days:] = 0
    learned = np.sort(END - random.integers(silent_days * DAY_US, 120 * DAY_US, 400))
    happened = learned - random.integers(0, 2 * DAY_US, 400)
    newest = NOON - timedelta(days=silent_days)
    return frontier_of_arrivals(Arrivals(daily.astype(np.int64), newest), happened, learned, now=NOON)


def test_a_feed_that_is_well_is_called_late_in_none_of_300_looks() -> None:
    assert [seed for seed in range(300) if feed(seed).lateness] == []


def test_a_feed_that_stands_still_lets_nothing_ripen() -> None:
    found = feed(0, silent_days=14)
    assert found.lateness is not None
    assert found.lateness.code == "MON305"
    assert found.until <= END - 14 * DAY_US


def test_without_any_outcome_nothing_is_known() -> None:
    none = np.empty(0, dtype=np.int64)
    found = frontier_of_arrivals(Arrivals(np.zeros(120, dtype=np.int64), None), none, none, now=NOON)
    assert found.until == 0
    assert found.lateness is not None


def test_labels_of_a_table_that_stay_away_are_missed() -> None:
    due = np.linspace(END - 90 * DAY_US, END, 900).astype(np.int64)
    y = np.where(np.random.default_rng(0).random(900) < 0.05, np.nan, 0.0)
    assert frontier_of_labels(due, y, now=NOON).lateness is None
    y[due > END - 20 * DAY_US] = np.nan
    found = frontier_of_labels(due, y, now=NOON).lateness
    assert found is not None
    assert found.code == "MON305"
