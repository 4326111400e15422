"""How much a desk can do, as it is set, and when its day begins."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from estate.core.errors import SettingsError
from estate.core.settings import Settings, load_settings
from estate.services.churn.capacity import Capacity, capacity_of, day_of
from estate.services.churn.interventions import INTERVENTIONS


def test_it_is_unlimited_by_default() -> None:
    settings = Settings(_env_file=None)
    found = capacity_of(settings.intervention_minutes, settings.intervention_most)
    assert found.unlimited
    assert all(found.fits(kind) for kind in INTERVENTIONS)
    assert math.isinf(found.less(["call"] * 1000).minutes)


def test_it_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLOOP_INTERVENTION_MINUTES", "240")
    monkeypatch.setenv("LEADLOOP_INTERVENTION_MOST", "call=10, offer_tour=2")
    settings = load_settings()
    found = capacity_of(settings.intervention_minutes, settings.intervention_most)
    assert found == Capacity(240.0, {"call": 10, "offer_tour": 2})


@pytest.mark.parametrize("said", ["call", "call=", "call=-1", "call=many", "call=1.5"])
def test_what_is_no_number_is_refused_by_name(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLOOP_INTERVENTION_MOST", said)
    with pytest.raises(SettingsError, match="setting LEADLOOP_INTERVENTION_MOST"):
        load_settings()


def test_more_than_all_can_be_taken_and_then_nothing_fits() -> None:
    left = Capacity(10.0, {"call": 0}).less(["call", "offer_tour"])
    assert left.minutes < 0
    assert not any(left.fits(kind) for kind in INTERVENTIONS)


def test_a_day_is_the_desks_and_twice_a_year_it_is_longer_or_shorter() -> None:
    hours = []
    for day in (datetime(2026, 3, 8, 12), datetime(2026, 7, 1, 12), datetime(2026, 11, 1, 12)):
        begin, end = day_of(day.replace(tzinfo=UTC), "America/New_York")
        assert begin.hour == end.hour == 0
        hours.append((end.astimezone(UTC) - begin.astimezone(UTC)) / timedelta(hours=1))
    assert hours == [23, 24, 25]
    late = datetime(2026, 7, 2, 3, tzinfo=UTC)
    assert day_of(late, "America/New_York")[0].day == 1
    assert day_of(late, "UTC")[0].day == 2


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_zone_that_there_is_not_is_refused(zone: str) -> None:
    with pytest.raises(SettingsError, match="LEADLOOP_DESK_TIMEZONE"):
        day_of(datetime(2026, 7, 2, tzinfo=UTC), zone)
