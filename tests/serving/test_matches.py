"""The homes that suit a lead, over HTTP and by command, from a simulated desk."""

from __future__ import annotations

from datetime import timedelta

import pytest

from estate.catalog import load_catalog
from estate.core.clock import now
from estate.core.frame import Frame
from estate.datasets.world import World, simulate_into
from estate.features.events import DAY_US
from estate.services.property_matching.model import CHOICE, SPECS
from estate.services.property_matching.reading import LEAD_PARTS, HomesForSale, leads_now, read_homes
from estate.services.property_matching.schema import Request
from estate.services.property_matching.service import by_rules, match
from estate.training.extract import extract
from serving.batch.matches import match_leads
from tests.serving.shop import Shop

DAYS = 20


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """Return a shop whose leads came until yesterday."""
    begin = (now() - timedelta(days=DAYS)).date()
    simulate_into(
        shop.database, World(seed=4, leads_per_day=10, days=DAYS, start=begin), home=shop.settings.home
    )
    return shop


def test_a_lead_gets_homes_that_fit_over_http(desk: Shop) -> None:
    with desk.serve() as served:
        rows = extract(SPECS[0], desk.database, as_of=now())
        lead_id = str(rows.entities[-1]).split("|")[0]
        answer = served.client.get(f"/v1/leads/{lead_id}/matches", params={"k": 3}).json()
        assert (answer["lead"], answer["source"], len(answer["homes"])) == (lead_id, "rules", 3)
        assert answer["for_sale"] >= answer["fitting"] >= 3
        assert all(0 < home["p_tour"] < 1 and home["reasons"] for home in answer["homes"][:1])

        asked = "max_price=400000&area=Fox%20Run&area=Ash%20Hill&bedrooms=2"
        given = served.client.get(f"/v1/leads/{lead_id}/matches?{asked}").json()["homes"]
        assert given
        assert {home["area"] for home in given} <= {"Fox Run", "Ash Hill"}
        assert all(home["price_usd"] <= 400_000 and home["bedrooms"] >= 2 for home in given)

        again = list(match_leads(desk.settings, desk.database, Request(k=3), [lead_id], as_of=now()))
        assert [home.property_id for home in again[0].homes] == [
            home["property_id"] for home in answer["homes"]
        ]

        assert served.client.get("/v1/leads/nobody/matches").status_code == 404
        for wrong in ({"k": "0"}, {"k": "2.5"}, {"max_price": "nan"}, {"bedrooms": "many"}, {"area": ""}):
            refused = served.client.get(f"/v1/leads/{lead_id}/matches", params=wrong)
            assert refused.status_code == 422, wrong


@pytest.mark.thorough
def test_a_live_pair_has_the_columns_of_the_row_that_it_becomes(desk: Shop) -> None:
    """A look's row, learned from later, is to the bit what serving would have computed just before it."""
    from datetime import UTC, datetime

    from estate.features.lead_reader import LeadReader

    data = extract(CHOICE, desk.database, as_of=now())
    reader = LeadReader(lambda: desk.database)
    compared = 0
    for row in range(len(data) - 1, 0, -97):
        lead_id, home = str(data.entities[row]).split("|")
        moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(data.times[row]))
        homes = read_homes(desk.database, as_of=moment)
        found, histories = reader.histories([lead_id], as_of=moment, parts=LEAD_PARTS)
        if not found:
            continue  # the lead itself was recorded late
        seen: list[Frame] = []

        def ask(spec, features, lead_id, seen=seen):  # type: ignore[no-untyped-def]
            seen.append(features)
            return by_rules(spec, features)

        anywhere = Request(
            k=1, max_price_usd=1e11, areas=tuple({*map(str, homes.offers.area)}), min_bedrooms=0
        )
        match(anywhere, leads_now(found, histories, homes)[0], homes, ask)
        place = homes.offers.ids.tolist().index(home)
        live, kept = seen[0].records()[place], data.features.records()[row]
        assert live == kept
        compared += 1
        if compared == 8:
            break
    reader.close()
    assert compared == 8


@pytest.mark.thorough
def test_every_model_finds_rows_with_both_labels(desk: Shop) -> None:
    later = now() + timedelta(days=40)
    for spec in SPECS:
        data = extract(spec, desk.database, as_of=later)
        assert set(data.y.tolist()) == {0.0, 1.0}, spec.name
        assert (data.times[:-1] <= data.times[1:]).all()
        early = extract(spec, desk.database, as_of=now())
        horizon = spec.source.horizon_days * DAY_US
        assert len(early) == 0 or early.times.max() + horizon <= now().timestamp() * 1e6
        assert spec.name in load_catalog(desk.settings).names()


def test_homes_are_read_once_in_a_while(desk: Shop) -> None:
    kept = HomesForSale(lambda: desk.database, now, seconds=60.0)
    assert kept.read() is kept.read()
    fresh = HomesForSale(lambda: desk.database, now, seconds=0.0)
    assert fresh.read() is not fresh.read()
