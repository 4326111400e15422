"""Every feature of every model: bits, clocks and directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
import pandas as pd
import pytest

from estate.core.model_spec import CrmSource, ModelSpec
from estate.features.histories import KINDS as KINDS_READ
from estate.features.histories import Histories, _by_lead_and_time, build_histories, micros
from estate.features.live import features_of_leads
from estate.features.many_leads import compute_in_parts, features_of_many
from estate.store.database import Database
from estate.store.facts import read_facts, write_facts
from estate.training.extract import extract
from tests.estate.features.made_up import (
    AS_OF,
    CRM_SPECS,
    EVERY,
    facts_of,
    same_bits,
)


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_one_lead_alone_has_the_bits_that_it_has_among_all(spec: ModelSpec, filled: Database) -> None:
    facts = {kind: read_facts(filled, kind, as_of=AS_OF) for kind in facts_of()}
    ids = facts["leads"]["lead_id"].to_numpy(dtype=object)
    age = pd.Timedelta(days=cast(CrmSource, spec.source).age_days)
    moments = np.minimum(micros(facts["leads"]["event_at"] + age), int(AS_OF.timestamp() * 1e6))
    together = spec.features.compute(build_histories(ids, moments, facts))
    for i in range(0, len(ids), 7):
        alone = features_of_leads(filled, spec, [ids[i]], as_of=AS_OF)
        assert alone.found == (ids[i],)
        same_bits(alone.features, together.take(np.array([i])))


@pytest.mark.parametrize("leads_at_once", [7, 10_000])
def test_however_many_leads_are_computed_together_the_bits_are_the_same(
    leads_at_once: int, filled: Database
) -> None:
    facts = {kind: read_facts(filled, kind, as_of=AS_OF) for kind in KINDS_READ}
    ids = facts["leads"].sort_values("budget_usd")["lead_id"].to_numpy(dtype=object)
    moments = np.full(len(ids), int(AS_OF.timestamp() * 1e6)) - np.arange(len(ids)) * 3_600_000_000
    together = EVERY.features.compute(build_histories(ids, moments, facts))
    for threads in (1, 3):
        made = features_of_many(
            filled, EVERY.features, ids, moments, as_of=AS_OF, leads_at_once=leads_at_once, threads=threads
        )
        same_bits(made, together)
        histories = build_histories(ids, moments, facts)
        parts = compute_in_parts(EVERY.features, histories, leads_at_once=leads_at_once, threads=threads)
        same_bits(parts, together)


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_a_training_row_has_the_bits_that_serving_computed_at_its_time(
    spec: ModelSpec, filled: Database
) -> None:
    source = cast(CrmSource, spec.source)
    data = extract(spec, filled, as_of=AS_OF)
    assert len(data) > 30
    for i in range(0, len(data), 9):
        own = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(data.times[i]))
        moment = own if i % 2 else AS_OF  # asked later, an older lead is still judged at the model's age
        lived = features_of_leads(filled, spec, [data.entities[i]], as_of=moment)
        if lived.found:  # a lead that was reported late is not known yet at its own time
            same_bits(lived.features, data.features.take(np.array([i])))
    assert data.times.max() <= (AS_OF - timedelta(days=source.horizon_days)).timestamp() * 1e6


@pytest.mark.parametrize("clock", ["event_at", "recorded_at"])
@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_planted_future_facts_change_no_bit(spec: ModelSpec, clock: str, filled: Database) -> None:
    before = extract(spec, filled, as_of=AS_OF)
    planted = facts_of(seed=99)
    with filled.begin() as connection:
        for kind in ("interactions", "messages", "properties", "market_index", "outcomes"):
            rows = planted[kind].copy()
            rows[rows.columns[0]] = "planted" + rows[rows.columns[0]]
            rows["recorded_at"] = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
            if clock == "event_at":
                rows["event_at"] = rows["recorded_at"]
            assert write_facts(connection, kind, rows) == len(rows)
    after = extract(spec, filled, as_of=AS_OF)
    assert before.fingerprint == after.fingerprint
    same_bits(before.features, after.features)


def test_facts_between_a_rows_own_time_and_the_trainings_are_not_seen_either(filled: Database) -> None:
    spec = CRM_SPECS[0]
    before = extract(spec, filled, as_of=AS_OF)
    rows = facts_of(seed=5)["interactions"]
    late = pd.Timestamp(AS_OF) - pd.Timedelta(hours=1)
    rows = rows.assign(interaction_id="late" + rows["interaction_id"], recorded_at=late)
    with filled.begin() as connection:
        write_facts(connection, "interactions", rows)
    assert before.fingerprint == extract(spec, filled, as_of=AS_OF).fingerprint


def test_a_fact_in_time_does_change_the_rows(filled: Database) -> None:
    spec = CRM_SPECS[0]
    before = extract(spec, filled, as_of=AS_OF)
    rows = facts_of(seed=5)["interactions"].assign(recorded_at=lambda frame: frame["event_at"])
    rows["interaction_id"] = "more" + rows["interaction_id"]
    with filled.begin() as connection:
        write_facts(connection, "interactions", rows)
    assert before.fingerprint != extract(spec, filled, as_of=AS_OF).fingerprint


def test_labels_are_ripe_and_resolved_leads_are_out(filled: Database) -> None:
    facts = facts_of()
    leads = facts["leads"].set_index("lead_id")
    for spec in CRM_SPECS:
        source = cast(CrmSource, spec.source)
        data = extract(spec, filled, as_of=AS_OF)
        outcomes = facts["outcomes"].set_index("lead_id")
        for name, label in zip(data.entities, data.y, strict=True):
            moment = leads.loc[name, "event_at"] + pd.Timedelta(days=source.age_days)
            assert moment + pd.Timedelta(days=source.horizon_days) <= AS_OF
            happened = outcomes["event_at"].get(name)
            assert happened is None or happened > moment
            end = moment + pd.Timedelta(days=source.horizon_days)
            if source.among == "interactions":
                done = facts["interactions"]
                done = done[(done["lead_id"] == name) & (done["kind"] == source.outcome)]
                inside = (done["event_at"] > moment) & (done["event_at"] <= end)
                assert label == float((inside & (done["recorded_at"] <= AS_OF)).any())
                continue
            due = happened is not None and happened <= end
            assert label == float(due and outcomes.loc[name, "kind"] == source.outcome)


def test_counts_match_a_plain_count(filled: Database) -> None:
    facts = facts_of()
    spec = CRM_SPECS[0]
    name = facts["leads"]["lead_id"].iloc[3]
    made = features_of_leads(filled, spec, [name], as_of=AS_OF).features.records()[0]
    seen = facts["interactions"]
    age = pd.Timedelta(days=cast(CrmSource, spec.source).age_days)
    moment = facts["leads"]["event_at"].iloc[3] + age
    known = (seen["event_at"] <= moment) & (seen["recorded_at"] <= moment) & (seen["lead_id"] == name)
    week = seen[known & (seen["event_at"] >= moment - pd.Timedelta(days=7))]
    assert made["interactions_count_7d"] == len(week)
    assert made["tours_count_7d"] == (week["kind"] == "tour").sum()


def test_a_lead_without_any_event_has_features(filled: Database) -> None:
    rows = facts_of()["leads"].head(1).assign(lead_id="quiet")
    with filled.begin() as connection:
        write_facts(connection, "leads", rows)
    for spec in CRM_SPECS:
        made = features_of_leads(filled, spec, ["quiet", "nobody"], as_of=AS_OF)
        assert made.missing == ("nobody",)
        assert made.features.records()[0]["days_since_reply"] is None


def test_histories_of_nobody_are_empty(filled: Database) -> None:
    made = features_of_leads(filled, CRM_SPECS[0], [], as_of=AS_OF)
    assert len(made.features) == 0


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_fingerprint_is_stable_and_follows_the_code(spec: ModelSpec) -> None:
    def visits_count_7d(h: Histories) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.zeros(len(h))

    numbers = tuple(
        visits_count_7d if getattr(f, "__name__", f) == "visits_count_7d" else f
        for f in spec.features.numbers
    )
    changed = type(spec.features)(numbers=numbers, categories=spec.features.categories)
    assert spec.features.fingerprint == spec.features.fingerprint
    assert (changed.fingerprint != spec.features.fingerprint) == (numbers != spec.features.numbers)


def test_micros_are_those_of_utc() -> None:
    times = pd.Series(pd.to_datetime(["1970-01-01T01:00:00+01:00"], utc=True))
    assert micros(times).tolist() == [0]


@pytest.mark.parametrize("span", [50, 2**62])
def test_events_are_ordered_by_lead_and_time_and_ties_stay_as_they_are(span: int) -> None:
    random = np.random.default_rng(2)
    lead, happened = random.integers(0, 20, 500), random.integers(-span, span, 500) // 3
    order = _by_lead_and_time(lead, happened)
    assert order.tolist() == sorted(range(500), key=lambda i: (lead[i], happened[i], i))
    assert _by_lead_and_time(lead[order], happened[order]).tolist() == list(range(500))
