"""Features of leads through the caches: how old they may be, whose they are, and what an outage leaves."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest

from estate.core.errors import SettingsError, StoreError
from serving.caches import Keys
from serving.caches.terms import Terms
from tests.serving.caches.desk import SPEC, START, Desk, budget, cached, calls_count, spec_of
from tests.serving.shop import wait_for


def assert_set(event: threading.Event) -> None:
    assert event.wait(20)


def test_a_lead_comes_from_memory_until_its_time_is_over() -> None:
    asked = cached()
    assert asked.ask("lead-1") == {"lead-1": ("miss", 0.0)}
    asked.desk.facts["lead-1"] = 3
    asked.desk.pass_time(4.9)
    assert asked.ask("lead-1") == {"lead-1": ("memory", 0.0)}
    asked.desk.pass_time(0.2)
    assert asked.ask("lead-1") == {"lead-1": ("miss", 3.0)}


def test_what_is_kept_has_the_bits_the_texts_and_the_times_of_what_was_computed() -> None:
    desk = Desk(facts={"lead-1": 1, "lead-2": 2})
    asked = cached(desk)
    first = asked.cache.read(SPEC, ["lead-1", "lead-2"])
    desk.pass_time(1)
    again = asked.cache.read(SPEC, ["lead-2", "nobody", "lead-1"])
    assert (again.found, again.missing) == (("lead-2", "lead-1"), ("nobody",))
    for name, values in first.features.columns.items():
        assert again.features[name][::-1].tolist() == values.tolist()
    assert again.as_of == (START, START)
    assert again.known_until == (START - timedelta(hours=1),) * 2


def test_only_what_is_not_kept_is_computed_all_at_once() -> None:
    asked = cached()
    asked.ask("lead-1", "lead-3")
    found = asked.ask("lead-3", "lead-2", "lead-1", "lead-4")
    assert [status for status, _ in found.values()] == ["memory", "miss", "memory", "miss"]
    assert asked.desk.computed == [["lead-1", "lead-3"], ["lead-2", "lead-4"]]


def test_a_lead_that_is_not_known_is_asked_for_each_time() -> None:
    asked = cached()
    for _ in range(2):
        assert asked.cache.read(SPEC, ["nobody"]).missing == ("nobody",)
    assert asked.desk.times == 2


def test_another_model_other_features_or_another_age_have_their_own() -> None:
    asked = cached()
    asked.ask("lead-1")
    for spec in (spec_of("rent"), spec_of("sale", budget, calls_count), spec_of("sale", age_days=8)):
        assert asked.ask("lead-1", spec=spec)["lead-1"][0] == "miss"
        assert asked.ask("lead-1", spec=spec)["lead-1"][0] == "memory"


def test_the_names_in_the_caches_tell_no_lead_and_no_two_secrets_the_same() -> None:
    one, other = Keys(lambda: "one").of(SPEC), Keys(lambda: "other").of(SPEC)
    assert b"lead-1" not in one.key("lead-1")
    assert one.key("lead-1") == Keys(lambda: "one").of(spec_of()).key("lead-1")
    assert len({one.key("lead-1"), one.key("lead-2"), other.key("lead-1")}) == 3


def test_what_is_under_way_is_computed_once_for_all() -> None:
    go = threading.Event()
    desk = Desk(hold=lambda: assert_set(go))
    asked = cached(desk)
    with ThreadPoolExecutor(16) as pool:
        first = pool.submit(asked.ask, "lead-1", "lead-2")
        wait_for(lambda: desk.times == 1)
        others = [pool.submit(asked.ask, "lead-2", "lead-1") for _ in range(14)]
        mixed = pool.submit(asked.ask, "lead-1", "lead-9")
        wait_for(lambda: desk.times == 2)
        go.set()
        assert len(first.result()) == 2
        assert all(len(future.result()) == 2 for future in others)
        assert len(mixed.result()) == 2
    assert desk.computed == [["lead-1", "lead-2"], ["lead-9"]]


def test_an_error_is_everybodys_and_nothing_is_kept() -> None:
    go = threading.Event()
    desk = Desk(hold=lambda: assert_set(go), away=True)
    asked = cached(desk)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(asked.ask, "lead-1") for _ in range(4)]
        wait_for(lambda: desk.times >= 1)
        go.set()
        for future in futures:
            with pytest.raises(StoreError):
                future.result(10)
    desk.away = False
    assert asked.ask("lead-1")["lead-1"][0] == "miss"


def test_while_the_database_is_away_kept_leads_are_answered_and_say_so() -> None:
    desk = Desk(facts={"lead-1": 1})
    asked = cached(desk)
    asked.ask("lead-1", "lead-2")
    desk.away = True
    desk.pass_time(599)
    made = asked.cache.read(SPEC, ["lead-1", "lead-2"])
    assert made.cache == ("stale", "stale")
    assert made.as_of == (START, START)
    with pytest.raises(StoreError):
        asked.ask("lead-1", "lead-3")
    desk.pass_time(2)
    with pytest.raises(StoreError):
        asked.ask("lead-1")


def test_when_the_database_is_back_leads_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    asked = cached(desk)
    asked.ask("lead-1")
    desk.away = True
    desk.pass_time(60)
    assert asked.ask("lead-1")["lead-1"][0] == "stale"
    desk.away = False
    wait_for(lambda: asked.ask("lead-1")["lead-1"][0] == "miss")


def test_a_database_that_did_not_answer_is_left_alone_for_a_moment() -> None:
    desk = Desk()
    asked = cached(desk)
    asked.ask("lead-1")
    desk.away = True
    desk.pass_time(60)
    for _ in range(50):
        asked.ask("lead-1")
    assert desk.times < 10


def test_with_no_stale_time_an_outage_is_an_error() -> None:
    desk = Desk()
    asked = cached(desk, terms=Terms(stale_seconds=0))
    asked.ask("lead-1")
    desk.away = True
    desk.pass_time(6)
    with pytest.raises(StoreError):
        asked.ask("lead-1")


def test_with_memory_off_every_lead_is_computed_and_an_outage_still_has_the_last_one() -> None:
    desk = Desk()
    asked = cached(desk, terms=Terms(memory_seconds=0))
    for _ in range(2):
        assert asked.ask("lead-1")["lead-1"][0] == "miss"
    desk.away = True
    assert asked.ask("lead-1")["lead-1"][0] == "stale"
    asked = cached(Desk(), most_bytes=0)
    for _ in range(2):
        assert asked.ask("lead-1")["lead-1"][0] == "miss"


def test_a_clock_that_was_set_back_does_not_make_old_features_young() -> None:
    desk = Desk()
    asked = cached(desk)
    asked.ask("lead-1")
    desk.moment -= timedelta(hours=1)
    assert asked.ask("lead-1")["lead-1"][0] == "miss"


def test_with_the_databases_address_gone_kept_leads_are_still_found() -> None:
    desk = Desk()
    asked = cached(desk)
    secrets = iter(["secret"])

    def secret() -> str:
        found = next(secrets, None)
        if found is None:
            raise SettingsError("address `database_url`")
        return found

    keys = Keys(secret)
    asked.cache._keys = keys
    asked.ask("lead-1")
    keys._asked_at = float("-inf")
    assert asked.ask("lead-1")["lead-1"][0] == "memory"
    with pytest.raises(SettingsError):
        Keys(secret).of(SPEC)


def test_hits_misses_evictions_and_sizes_are_counted() -> None:
    asked = cached(most_bytes=2_500)
    asked.ask("lead-1", "lead-2")
    asked.ask("lead-1", "nobody")
    assert asked.count("cache_hits_total") == 1
    assert asked.count("cache_misses_total") == 3
    asked.ask("lead-3", "lead-4", "lead-5")
    assert asked.count("cache_evictions_total") == asked.count("cache_misses_total") - 1 - asked.count(
        "cache_entries"
    )
    assert 0 < asked.count("cache_bytes") <= 2_500


def test_no_leads_is_no_rows() -> None:
    made = cached().cache.read(SPEC, [])
    assert len(made.features) == 0
    assert made.features[calls_count.__name__].dtype == np.float64
