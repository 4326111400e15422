from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from estate.core.errors import SpecError
from estate.datasets.contracts import CONTRACTS, broken_rules
from estate.datasets.world import Drift, DriftKind, Simulated, World, simulate, simulate_into
from estate.store.database import Database
from estate.store.facts import count_facts, read_facts

SMALL = World(seed=3, leads_per_day=20, days=60)


@cache
def _long() -> Simulated:
    """Its first 90 days of leads have all their outcomes."""
    return simulate(World(seed=5, leads_per_day=100, days=160))


def _with_labels() -> pd.DataFrame:
    leads = _long().facts["leads"][["lead_id", "event_at"]].merge(_long().truth, on="lead_id")
    outcomes = _long().facts["outcomes"]
    for kind in ("converted", "churned"):
        leads[kind] = leads["lead_id"].isin(outcomes["lead_id"][outcomes["kind"] == kind])
    early: pd.DataFrame = leads[leads["event_at"] < leads["event_at"].min() + pd.Timedelta(days=90)]
    return early


def _hours(span: pd.Series[pd.Timedelta]) -> pd.Series[float]:
    return span.dt.total_seconds() / 3600


def _days(span: pd.Series[pd.Timedelta]) -> pd.Series[float]:
    return _hours(span) / 24


def _equal(one: Simulated, other: Simulated) -> None:
    for kind, table in one.facts.items():
        pd.testing.assert_frame_equal(table, other.facts[kind])
    pd.testing.assert_frame_equal(one.truth, other.truth)


def test_the_same_definition_gives_the_same_facts() -> None:
    _equal(simulate(SMALL), simulate(World(seed=3, leads_per_day=20, days=60)))
    other = simulate(World(seed=4, leads_per_day=20, days=60))
    assert not set(other.facts["leads"]["lead_id"]) & set(simulate(SMALL).facts["leads"]["lead_id"])


@pytest.mark.parametrize("cut", [1, 25, 59])
@pytest.mark.parametrize("drift", [None, Drift("sudden", day=30)])
def test_two_spans_that_meet_are_one(cut: int, drift: Drift | None) -> None:
    world = World(seed=3, leads_per_day=20, days=60, drift=drift)
    first, second = simulate(world, to_day=cut), simulate(world, from_day=cut)
    for kind, whole in simulate(world).facts.items():
        parts = pd.concat([first.facts[kind], second.facts[kind]], ignore_index=True)
        pd.testing.assert_frame_equal(parts, whole)
    parts = pd.concat([first.truth, second.truth], ignore_index=True)
    pd.testing.assert_frame_equal(parts, simulate(world).truth)


@pytest.mark.parametrize("kind", DriftKind)
def test_more_days_and_a_later_drift_change_nothing_before(kind: DriftKind) -> None:
    longer = World(seed=3, leads_per_day=20, days=100, drift=Drift(kind, day=60))
    before, now = simulate(SMALL).facts, simulate(longer, to_day=60).facts
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, now[name])


@pytest.mark.parametrize("kind", CONTRACTS)
def test_every_fact_keeps_its_contract_and_has_a_name_of_its_own(kind: str) -> None:
    facts = _long().facts[kind]
    assert list(facts) == [field.name for field in CONTRACTS[kind]]
    names = [facts.columns[0], *["recorded_at"] * (kind == "listings")]  # a listing begins, and it ends
    assert not facts.duplicated(names).any()
    assert broken_rules(kind, facts.reset_index(drop=True)) == {}


def test_facts_belong_to_leads_that_came_before() -> None:
    facts = _long().facts
    arrived = facts["leads"].set_index("lead_id")["event_at"]
    for kind in ("interactions", "messages", "outcomes"):
        rows = facts[kind][facts[kind]["lead_id"].isin(arrived.index)]
        assert len(rows) > 0.99 * len(facts[kind])
        assert (rows["event_at"] >= rows["lead_id"].map(arrived)).all()
    looked = facts["interactions"].dropna(subset="property_id")
    listed = facts["properties"].set_index("property_id")["recorded_at"]
    assert (looked["event_at"] >= looked["property_id"].map(listed)).all()


def test_outcomes_come_at_their_ages_and_a_lead_has_one_at_most() -> None:
    facts = _long().facts
    outcomes = facts["outcomes"].merge(
        facts["leads"][["lead_id", "event_at"]], on="lead_id", suffixes=("", "_lead")
    )
    assert outcomes[outcomes["kind"] != "qualified"]["lead_id"].is_unique
    for kind, first, last in (("converted", 7, 60), ("churned", 21, 51)):
        rows = outcomes[outcomes["kind"] == kind]
        age = _days(rows["event_at"] - rows["event_at_lead"])
        known = _days(rows["recorded_at"] - rows["event_at_lead"])
        assert first <= age.min()
        assert known.max() <= last
        assert (rows["recorded_at"] > rows["event_at"]).all()
    early = _with_labels()["lead_id"]
    rows = outcomes[(outcomes["kind"] == "converted") & outcomes["lead_id"].isin(early)]
    assert 22 < (_days(rows["event_at"] - rows["event_at_lead"])).mean() < 28


@pytest.mark.parametrize(("kind", "low", "high"), [("converted", 0.08, 0.12), ("churned", 0.25, 0.31)])
def test_rates_and_the_best_possible_score_are_as_designed(kind: str, low: float, high: float) -> None:
    leads = _with_labels().dropna(subset=f"p_{kind}")
    truth, label = leads[f"p_{kind}"], leads[kind]
    assert low < label.mean() < high
    assert 0.80 < roc_auc_score(label, truth) < 0.88


@pytest.mark.parametrize("kind", ["converted", "churned"])
def test_true_probabilities_are_true_in_every_tenth(kind: str) -> None:
    leads = _with_labels().dropna(subset=f"p_{kind}")
    truth, label = leads[f"p_{kind}"], leads[kind]
    tenth = pd.qcut(truth, 10, labels=False)
    expected, seen = truth.groupby(tenth).sum(), label.groupby(tenth).sum()
    noise = np.sqrt((truth * (1 - truth)).groupby(tenth).sum())
    assert (np.abs(seen - expected) < 3.5 * noise).all()
    assert abs(seen.sum() - expected.sum()) < 3 * np.sqrt((noise**2).sum())


def test_leads_that_will_convert_late_do_not_churn_and_the_truth_knows_it() -> None:
    leads = _with_labels().dropna(subset="p_churned")
    likely = leads[leads["p_converted"] > 0.35]
    noise = np.sqrt((likely["p_churned"] * (1 - likely["p_churned"])).sum())
    assert len(likely) > 200
    assert abs(likely["churned"].sum() - likely["p_churned"].sum()) < 3 * noise


def test_later_events_know_no_more_of_the_outcome_than_the_truth() -> None:
    """Among leads of like probability, those that convert do after the draw what the others do."""
    leads = _with_labels()
    events = (
        _long()
        .facts["interactions"]
        .merge(leads[["lead_id", "event_at"]], on="lead_id", suffixes=("", "_lead"))
    )
    age = _days(events["event_at"] - events["event_at_lead"])
    later = leads["lead_id"].map(events[age > 7]["lead_id"].value_counts()).fillna(0)
    residual = leads["converted"] - leads["p_converted"]
    score = np.log1p(later) - np.log1p(later).mean()
    spread = np.sqrt((leads["p_converted"] * (1 - leads["p_converted"]) * score**2).sum())
    assert abs((residual * score).sum() / spread) < 3.5


def test_arrivals_have_weekdays_and_hours() -> None:
    event = _long().facts["leads"]["event_at"]
    by_day, by_hour = event.dt.dayofweek.value_counts(), event.dt.hour.value_counts()
    assert by_day[[5, 6]].mean() < 0.8 * by_day[[0, 1, 2, 3, 4]].mean()
    assert by_hour[3] < 0.2 * by_hour[18]


def test_many_facts_are_known_at_once_and_some_much_later() -> None:
    facts = _long().facts["interactions"]
    hours = _hours(facts["recorded_at"] - facts["event_at"])
    assert hours.median() < 0.2
    assert 0.01 < (hours > 24).mean() < 0.05
    assert hours.max() <= 240


def _shares(drift: Drift | None) -> dict[str, float]:
    facts = simulate(World(seed=3, leads_per_day=60, days=60, drift=drift), from_day=20).facts
    kinds = facts["interactions"]["kind"].value_counts()
    late = facts["interactions"]["event_at"] > World().at(21)
    return {
        "leads": len(facts["leads"]),
        "budget": float(facts["leads"]["budget_usd"].median()),
        "social": float((facts["leads"]["source"] == "social").mean()),
        "opens": float((facts["interactions"]["kind"][late] == "email_open").sum()),
        **{kind: float(kinds.get(kind, 0)) for kind in ("visit", "reply", "listing_view")},
    }


def test_each_drift_moves_what_it_says() -> None:
    calm = _shares(None)
    sudden = _shares(Drift("sudden", day=20))
    assert 1.7 < sudden["listing_view"] / calm["listing_view"] < 2.2
    assert 0.45 < sudden["reply"] / calm["reply"] < 0.65
    assert 0.7 < sudden["budget"] / calm["budget"] < 0.8
    broken = _shares(Drift("broken_feed", day=20, length_days=40))
    assert broken["opens"] == 0
    assert broken["reply"] == calm["reply"]
    assert calm["social"] == 0
    assert 0.25 < _shares(Drift("new_source", day=20))["social"] < 0.35
    assert _shares(Drift("seasonal", day=20, length_days=40))["leads"] > 1.05 * calm["leads"]
    assert _shares(Drift("gradual", day=20, length_days=10))["budget"] < 0.9 * calm["budget"]


def test_a_broken_feed_does_not_change_who_converts() -> None:
    calm, broken = (
        simulate(World(seed=3, leads_per_day=20, days=60, drift=drift)).facts["outcomes"]
        for drift in (None, Drift("broken_feed", day=10))
    )
    pd.testing.assert_frame_equal(calm, broken)


def test_it_comes_into_the_database_by_the_importer_and_goes_on(database: Database, tmp_path: Path) -> None:
    world = World(seed=3, leads_per_day=10, days=40, start=date(2026, 3, 2))
    first = simulate_into(database, world, home=tmp_path, to_day=25)
    again = simulate_into(database, world, home=tmp_path, to_day=25)
    rest = simulate_into(database, world, home=tmp_path, from_day=25)
    assert all(report.rows_refused == 0 for report in (*first.reports, *rest.reports))
    assert (again.rows_new, first.rows_new > 0, rest.rows_new > 0) == (0, True, True)
    for kind, table in simulate(world).facts.items():
        key = [table.columns[0], "recorded_at"]
        assert count_facts(database, kind) == table[key[0]].nunique()
        stored = read_facts(database, kind, as_of=datetime(2100, 1, 1, tzinfo=UTC), versions=True)
        stored = stored[list(table)].sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(stored, table.sort_values(key, ignore_index=True))
    assert list(pd.read_parquet(first.truth)) == ["lead_id", "p_converted", "p_churned", "p_qualified"]


@pytest.mark.parametrize("leads_per_day", [0.01, 1])
def test_a_very_small_world_is_one_too(leads_per_day: float) -> None:
    facts = simulate(World(leads_per_day=leads_per_day, days=3)).facts
    assert {str(table["event_at"].dtype) for table in facts.values()} == {"datetime64[us, UTC]"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"seed": -1}, "`seed`"), ({"days": 0}, "`days`"), ({"leads_per_day": 0}, "`leads_per_day`")],
)
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        World(**wrong)  # type: ignore[arg-type]
