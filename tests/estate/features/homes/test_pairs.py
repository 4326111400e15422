"""Pairs know nothing later than their moment, and are the same one by one as among many."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from estate.core.errors import SpecError
from estate.core.model_spec import PairSource
from estate.datasets.world import World, simulate
from estate.features.fact_columns import FactColumns
from estate.features.homes import Offers
from estate.training.pairs import pair_table

CHOICE = PairSource(outcome="listing_view", horizon_days=0, others=5)
TOUR = PairSource(outcome="tour", horizon_days=21)
Facts = dict[str, pd.DataFrame]


@cache
def _facts() -> Facts:
    facts = dict(simulate(World(seed=6, leads_per_day=15, days=40)).facts)
    ordered = facts["listings"].sort_values(["listing_id", "recorded_at"])
    ends = ordered.groupby("listing_id")["recorded_at"].shift(-1)
    facts["listings"] = ordered.assign(superseded_at=ends).reset_index(drop=True)
    return facts


def _known(facts: Facts, moment: pd.Timestamp) -> Facts:
    made = {}
    for kind, table in facts.items():
        known = table[(table["event_at"] <= moment) & (table["recorded_at"] <= moment)].copy()
        if "superseded_at" in known:
            known.loc[known["superseded_at"] > moment, "superseded_at"] = pd.NaT
        made[kind] = known.reset_index(drop=True)
    return made


@pytest.mark.parametrize("source", [CHOICE, TOUR])
def test_what_came_later_changes_no_column_of_an_earlier_row(source: PairSource) -> None:
    moment = _facts()["leads"]["event_at"].min() + pd.Timedelta(days=25)
    whole, then = pair_table(source, _facts()), pair_table(source, _known(_facts(), moment))
    assert len(then) > 300
    drop = ["look", "label"] if source is TOUR else ["look"]  # a label is of what follows
    keys = ["pair_id", "moment"]
    late = then.drop(columns=drop).set_index(keys)
    both = whole.drop(columns=drop).set_index(keys).loc[late.index]
    pd.testing.assert_frame_equal(both, late)


def test_a_look_is_not_in_its_own_history_however_fast_it_is_recorded() -> None:
    facts = dict(_facts())
    at_once = facts["interactions"].assign(recorded_at=lambda rows: rows["event_at"])
    table = pair_table(CHOICE, {**facts, "interactions": at_once})
    first = table[(table["label"] == 1)].sort_values("moment")
    first = first[~first["pair_id"].str.split("|").str[0].duplicated()]
    assert (first["looks_count"] == 0).all()
    assert (first["same_home_views_count"] == 0).all()


def test_homes_beside_a_look_were_for_sale_then_and_are_not_the_one_chosen() -> None:
    table = pair_table(CHOICE, _facts())
    offers = Offers.of(*(FactColumns(_facts()[kind]) for kind in ("properties", "listings")))
    assert table.groupby("look")["label"].sum().eq(1).all()
    assert table.groupby("look")["pair_id"].nunique().eq(6).mean() > 0.99
    some = table.sample(200, random_state=0)
    for pair, moment in zip(some["pair_id"], some["moment"].astype("int64"), strict=True):
        micros = moment // 1000 if some["moment"].dt.unit == "ns" else moment
        assert pair.split("|")[1] in offers.at(int(micros)).ids.tolist()


def test_a_label_is_a_tour_of_that_home_within_the_horizon_and_not_before() -> None:
    table = pair_table(TOUR, _facts())
    looks = _facts()["interactions"].dropna(subset="property_id")
    names = looks["lead_id"] + "|" + looks["property_id"]
    tours = looks.assign(pair=names)[looks["kind"] == "tour"].groupby("pair")["event_at"].agg(list)
    for pair, moment, label in zip(table["pair_id"], table["moment"], table["label"], strict=True):
        after = [at for at in tours.get(pair, []) if at > moment]
        assert len(after) == len(tours.get(pair, []))
        assert bool(label) == any(at <= moment + pd.Timedelta(days=21) for at in after)


def test_a_sold_home_is_no_longer_offered_once_that_is_known() -> None:
    listings = _facts()["listings"]
    offers = Offers.of(FactColumns(_facts()["properties"]), FactColumns(listings))
    sold = listings[listings["status"] == "sold"].iloc[0]
    known = int(sold["recorded_at"].timestamp() * 1e6)
    assert sold["property_id"] in offers.at(known - 1).ids.tolist()
    assert sold["property_id"] not in offers.at(known).ids.tolist()


def test_a_home_without_a_listing_is_for_sale() -> None:
    none = _facts()["listings"].iloc[:0]
    offers = Offers.of(FactColumns(_facts()["properties"]), FactColumns(none))
    assert len(offers) == len(_facts()["properties"])
    assert np.isfinite(offers.price_usd).all()


def test_only_looks_can_be_predicted() -> None:
    with pytest.raises(SpecError, match="expected one of listing_view, listing_save, tour, got 'call'"):
        pair_table(PairSource(outcome="call", horizon_days=3), _facts())
