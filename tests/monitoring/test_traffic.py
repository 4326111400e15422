"""Stale, too few, too many, twice: against what is usual for this desk."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from estate.store.traffic import Doubled
from monitoring.traffic import Traffic, check_traffic

DAYS = 60


def _hours(seed: int, per_day: float, *, noise: float = 0.0, weekend: float = 1.0) -> NDArray[np.int64]:
    """Rows in each hour, the last first: gamma noise from day to day, quieter weekends, nothing at night."""
    random = np.random.default_rng(seed)
    by_day = np.where(np.arange(DAYS) % 7 < 2, weekend, 1.0) * per_day
    if noise:
        by_day = by_day * random.gamma(1 / noise, noise, DAYS)
    by_hour = np.where(np.arange(24) < 12, 1 / 12, 0.0)
    return random.poisson(by_day[:, None] * by_hour).ravel()


def _codes(traffic: Traffic) -> list[str]:
    return [finding.code for finding in check_traffic(traffic)]


@pytest.mark.parametrize("per_day", [25, 100, 200])
@pytest.mark.parametrize(("noise", "weekend"), [(0.0, 1.0), (0.2, 1.0), (0.05, 0.1)])
def test_usual_traffic_is_quiet(per_day: int, noise: float, weekend: float) -> None:
    found = [_codes(Traffic(_hours(seed, per_day, noise=noise, weekend=weekend))) for seed in range(200)]
    assert [codes for codes in found if codes] == []


@pytest.mark.parametrize("per_day", [25, 200])
def test_a_day_of_far_fewer_or_more_rows_is_found(per_day: int) -> None:
    for factor in (0.0, 6.0):
        hours = _hours(1, per_day)
        hours[:24] = np.random.default_rng(2).poisson(factor * per_day / 24, 24)
        hours[0] = 1  # the newest row is new
        assert _codes(Traffic(hours)) == ["MON113"]


def test_a_feed_that_stopped_is_stale_and_not_also_few() -> None:
    hours = np.concatenate([np.zeros(80, dtype=np.int64), _hours(1, 100)[:-80]])
    (finding,) = check_traffic(Traffic(hours))
    assert (finding.code, finding.threshold) == ("MON112", 39.0)
    assert finding.sentence.startswith("the newest of the predictions is 80 hours old")


def test_facts_that_stopped_are_named() -> None:
    stopped = np.concatenate([np.zeros(80, dtype=np.int64), _hours(1, 100)[:-80]])
    (finding,) = check_traffic(Traffic(_hours(2, 100), {"leads": _hours(3, 50), "interactions": stopped}))
    assert finding.sentence.startswith("the newest of the interactions")


def test_a_desk_that_scores_once_a_week_is_neither_stale_nor_few() -> None:
    hours = np.zeros(24 * DAYS, dtype=np.int64)
    hours[100 :: 24 * 7] = 300
    assert _codes(Traffic(hours)) == []


def test_a_young_model_has_no_habits_yet() -> None:
    hours = _hours(1, 100)
    hours[24 * 10 :] = 0
    hours[:24] = 0
    assert _codes(Traffic(hours)) == []


@pytest.mark.parametrize(
    ("now", "before", "codes"),
    [
        (Doubled(200, 120), Doubled(200, 5), ["MON114"]),
        (Doubled(200, 120), Doubled(200, 110), []),
        (Doubled(200, 30), Doubled(200, 5), []),
        (Doubled(200, 120), Doubled(20, 0), []),
    ],
)
def test_repeats_beyond_the_usual_are_found(now: Doubled, before: Doubled, codes: list[str]) -> None:
    assert _codes(Traffic(doubled=now, doubled_before=before)) == codes
