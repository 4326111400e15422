"""Features of leads in one round trip: the bits of the long way, by both clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

from estate.core.errors import StoreError
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import CrmSource, ModelSpec
from estate.datasets.world import World, simulate_into
from estate.features.histories import Histories
from estate.features.lead_reader import LeadReader
from estate.features.live import features_of_leads
from estate.features.needs import parts_read
from estate.store.database import Database
from estate.store.facts import read_facts, write_facts
from tests.estate.features.made_up import AS_OF, CRM_SPECS, corrections_of, facts_of, same_bits

SPEC = CRM_SPECS[0]
WORLD = World(seed=11, leads_per_day=12, days=60)


@pytest.fixture
def reader(database: Database) -> Iterator[LeadReader]:
    made = LeadReader(lambda: database)
    yield made
    made.close()


def same(reader: LeadReader, database: Database, spec: ModelSpec, ids: list[str], as_of: datetime) -> int:
    quick = reader.read(spec, ids, as_of=as_of)
    long = features_of_leads(database, spec, ids, as_of=as_of)
    same_bits(quick.features, long.features)
    assert (quick.found, quick.missing) == (long.found, long.missing)
    assert (quick.as_of, quick.known_until, quick.cache) == (long.as_of, long.known_until, long.cache)
    return len(quick.found)


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_every_lead_has_the_bits_of_the_long_way(
    spec: ModelSpec, reader: LeadReader, filled: Database
) -> None:
    ids = [*facts_of()["leads"]["lead_id"], "nobody", "", "o'clock"]
    for days in (0, 3, 30, 60, 100):
        same(reader, filled, spec, ids, AS_OF - timedelta(days=days))
    assert same(reader, filled, spec, ids[::-1], AS_OF) > 40
    assert same(reader, filled, spec, ["nobody"], AS_OF) == 0
    assert same(reader, filled, spec, [], AS_OF) == 0


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_corrected_facts_have_the_bits_of_the_long_way(
    spec: ModelSpec, reader: LeadReader, filled: Database
) -> None:
    ids = facts_of()["leads"]["lead_id"].tolist()
    for days in (140, 125, 110, 95, 80):  # between the leads' moments: some see one version, some the next
        for kind, rows in corrections_of(facts_of(), AS_OF - timedelta(days=days)).items():
            with filled.begin() as connection:
                write_facts(
                    connection, kind, rows[rows["event_at"] <= rows["recorded_at"]].iloc[days % 2 :: 2]
                )
    for days in (0, 1, 30, 61, 100):
        same(reader, filled, spec, ids, AS_OF - timedelta(days=days))


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_a_simulated_desk_has_the_bits_of_the_long_way(
    spec: ModelSpec, reader: LeadReader, database: Database, tmp_path: Path
) -> None:
    simulate_into(database, WORLD, home=tmp_path)
    leads = read_facts(database, "leads").sort_values("event_at")
    ids = leads["lead_id"].tolist()
    busiest = read_facts(database, "interactions")["lead_id"].value_counts().index[:5].tolist()
    end = WORLD.at(WORLD.days)
    assert same(reader, database, spec, ids, end) > 500
    newest = leads["event_at"].iloc[-1].to_pydatetime()
    for moment in (newest, end - timedelta(days=40), end):  # the newest lead at the moment it came
        same(reader, database, spec, [*busiest, *ids[-5:], "nobody", *ids[:5]], moment)


def test_odd_values_have_the_bits_of_the_long_way(reader: LeadReader, filled: Database) -> None:
    odd = ["", "tïme \U0001f3e0", "two\r\nlines", '"quoted", with a comma', " ", "\\N"]
    times = {"event_at": pd.Timestamp(AS_OF) - pd.Timedelta(days=3), "recorded_at": pd.Timestamp(AS_OF)}
    count = len(odd)
    leads = pd.DataFrame(
        {"lead_id": [f"odd-{i}" for i in range(count)], "area": ["north", None, "nowhere", "", "south", "x"],
         "source": odd, "financing": odd[::-1], "budget_usd": [0.0, -0.0, None, 1e308, 5e-324, 1 / 3],
         **times}
    )  # fmt: skip
    messages = pd.DataFrame(
        {"message_id": [f"odd-{i}" for i in range(count)], "lead_id": leads["lead_id"], "direction": "in",
         "text": odd, **times}
    )  # fmt: skip
    calls = pd.DataFrame(
        {"interaction_id": [f"odd-{i}" for i in range(count)], "lead_id": leads["lead_id"],
         "kind": ["call", "", "tour", "listing_view", "none of ours", "call"],
         "property_id": [None, "", "p000", "p001", "unknown", "p002"],
         "duration_seconds": [None, 0.0, 1e300, 3.0, 0.1, 1 / 3], **times}
    )  # fmt: skip
    homes = pd.DataFrame(
        {"property_id": ["odd-1", "odd-2", "odd-3"], "area": ["x", "x", "nowhere"],
         "price_usd": [1e308, 1.7e308, 3.0], **times}
    )  # fmt: skip
    with filled.begin() as connection:
        for kind, rows in (
            ("leads", leads), ("messages", messages), ("interactions", calls), ("properties", homes)
        ):  # fmt: skip
            write_facts(connection, kind, rows)
    for spec in CRM_SPECS:
        with np.errstate(all="ignore"):
            assert same(reader, filled, spec, leads["lead_id"].tolist(), AS_OF) == count


@pytest.mark.parametrize("clock", ["event_at", "recorded_at"])
def test_planted_future_facts_change_no_bit(clock: str, reader: LeadReader, filled: Database) -> None:
    ids = facts_of()["leads"]["lead_id"].tolist()
    before = reader.read(SPEC, ids, as_of=AS_OF)
    planted = facts_of(seed=99)
    with filled.begin() as connection:
        for kind in ("interactions", "messages", "properties", "market_index"):
            rows = planted[kind].copy()
            rows[rows.columns[0]] = "planted" + rows[rows.columns[0]]
            rows["recorded_at"] = pd.Timestamp(AS_OF) + pd.Timedelta(microseconds=1)
            if clock == "event_at":
                rows["event_at"] = rows["recorded_at"]
            write_facts(connection, kind, rows)
    after = reader.read(SPEC, ids, as_of=AS_OF)
    same_bits(before.features, after.features)
    assert before.known_until == after.known_until


def test_known_until_is_when_the_newest_fact_that_counts_was_learned(
    reader: LeadReader, database: Database
) -> None:
    came, learned = AS_OF - timedelta(days=2), AS_OF - timedelta(days=1)
    lead = pd.DataFrame({"lead_id": ["a", "b"], "event_at": came, "recorded_at": came})
    visit = pd.DataFrame(
        {"interaction_id": ["1", "2"], "lead_id": "a", "kind": "visit", "event_at": came,
         "recorded_at": [learned, AS_OF + timedelta(days=1)]}
    )  # fmt: skip
    with database.begin() as connection:
        write_facts(connection, "leads", lead)
        write_facts(connection, "interactions", visit)
    found = reader.read(SPEC, ["b", "a"], as_of=AS_OF)
    assert found.known_until == (came, learned)
    assert found.as_of == (AS_OF, AS_OF)


def test_what_no_feature_reads_is_not_read() -> None:
    by_name = {spec.name: parts_read(spec.features) for spec in CRM_SPECS}
    assert by_name["churn"] == {"interactions", "messages"}
    assert by_name["lead_conversion"] == {"interactions", "messages", "viewed_homes", "index", "homes"}


def test_a_feature_that_asks_for_more_of_a_busy_lead_gets_it(reader: LeadReader, filled: Database) -> None:
    def late_price_usd(h: Histories) -> Any:
        busy = len(h.interactions.age) > 0
        return h.market["price_usd"] if busy else np.full(len(h), np.nan)

    def prices_seen(h: Histories) -> Any:
        return h.interactions.total(h.interactions["price_usd"], h.interactions.age >= 0) + len(
            h.messages.age
        )

    spec = replace(SPEC, features=FeatureSet(numbers=(late_price_usd, prices_seen)))
    assert "homes" not in parts_read(spec.features)
    assert same(reader, filled, spec, facts_of()["leads"]["lead_id"].tolist(), AS_OF) > 40


def test_a_feature_that_fails_fails_as_on_the_long_way(reader: LeadReader, filled: Database) -> None:
    def misspelt(h: Histories) -> Any:
        return h.market["prize_usd"]

    spec = replace(SPEC, features=FeatureSet(numbers=(misspelt,)))
    with pytest.raises(KeyError, match="prize_usd"):
        reader.read(spec, ["l0001"], as_of=AS_OF)


def test_a_connection_that_died_between_two_reads_is_not_noticed(
    reader: LeadReader, filled: Database
) -> None:
    ids = facts_of()["leads"]["lead_id"].tolist()
    before = reader.read(SPEC, ids, as_of=AS_OF)
    with psycopg.connect(filled.url, autocommit=True) as connection:
        killed = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert killed
    assert killed[0] >= 1
    same_bits(before.features, reader.read(SPEC, ids, as_of=AS_OF).features)


def test_with_no_database_the_error_says_so_and_keeps_the_password() -> None:
    reader = LeadReader(lambda: Database("postgresql://ada:hidden@127.0.0.1:9/none"))
    with pytest.raises(StoreError, match=r"127\.0\.0\.1") as raised:
        reader.read(SPEC, ["a"], as_of=AS_OF)
    assert "hidden" not in str(raised.value)


def test_without_tables_the_error_says_what_to_do(postgres: str) -> None:
    reader = LeadReader(lambda: Database(postgres))
    with pytest.raises(StoreError, match="leadloop up"):
        reader.read(SPEC, ["a"], as_of=AS_OF)
    reader.close()


def test_a_reader_may_not_write(reader: LeadReader, filled: Database) -> None:
    reader.read(SPEC, ["a"], as_of=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(StoreError, match="read-only"):
        reader._connections.row(b"DELETE FROM leads RETURNING lead_id", {})


def test_an_age_of_a_fraction_of_a_day_is_exact(reader: LeadReader, filled: Database) -> None:
    source = CrmSource(outcome="converted", horizon_days=60, age_days=1.23456789)
    ids = facts_of()["leads"]["lead_id"].tolist()
    assert same(reader, filled, replace(SPEC, source=source), ids, AS_OF) > 40
