"""Features beside the plainest way to compute them: loops over one lead's facts, in Python's own types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log
from statistics import mean, median
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from estate.core.frame import Frame
from estate.core.sentiment import sentiment
from estate.features.histories import build_histories, micros
from estate.features.zones import local
from tests.estate.features.made_up import EVERY, facts_of

LEADS = 40
DAY = timedelta(days=1)
Fact = dict[str, Any]


@pytest.fixture(scope="module")
def desk() -> tuple[dict[str, list[Fact]], list[datetime], Frame]:
    """The facts as they are, the moments of forty leads, and what is computed of them."""
    tables = facts_of()
    tables["messages"]["sentiment"] = tables["messages"]["text"].map(sentiment)
    leads = tables["leads"].head(LEADS)
    moments = [
        when.to_pydatetime() + timedelta(days=10 + i * 3 % 70, hours=i)
        for i, when in enumerate(leads["event_at"])
    ]
    as_of = np.array(
        [int((when - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) for when in moments]
    )
    assert abs(as_of - micros(leads["event_at"])).min() > 0
    made = EVERY.features.compute(build_histories(leads["lead_id"].to_numpy(dtype=object), as_of, tables))
    records: dict[str, list[Any]] = {kind: table.to_dict("records") for kind, table in tables.items()}
    return records, moments, made


def known(facts: list[Fact], moment: datetime, **having: object) -> list[Fact]:
    """What had happened and was learned by a moment, oldest first."""
    own = [
        one
        for one in facts
        if one["event_at"] <= moment
        and one["recorded_at"] <= moment
        and all(one[name] == value for name, value in having.items())
    ]
    return sorted(own, key=lambda one: one["event_at"])


def days(between: timedelta) -> float:
    return between / DAY


def answers(messages: list[Fact], asked: str) -> list[float | None]:
    """Hours from each message of one side to the next one of the other."""
    found: list[float | None] = []
    for i, one in enumerate(messages):
        if one["direction"] == asked:
            after = [later for later in messages[i + 1 :] if later["direction"] != asked]
            found.append((after[0]["event_at"] - one["event_at"]) / timedelta(hours=1) if after else None)
    return found


def streaks(when: list[datetime], moment: datetime) -> list[int]:
    """Lengths of days in a row, oldest first."""
    found: list[int] = []
    last = None
    for day in sorted({(moment - one) // DAY for one in when}, reverse=True):
        if last is not None and last - day == 1:
            found[-1] += 1
        else:
            found.append(1)
        last = day
    return found


def or_none(values: list[float], of: Any) -> float | None:
    return of(values) if values else None


def newest(values: list[float]) -> float:
    return values[-1]


def plain(facts: dict[str, list[Fact]], lead: Fact, moment: datetime) -> dict[str, float | None]:
    """Compute features of one lead by hand."""
    name = lead["lead_id"]
    acts = known(facts["interactions"], moment, lead_id=name)
    wrote = known(facts["messages"], moment, lead_id=name)
    there = [one for one in facts["leads"] if one["lead_id"] == name and one["recorded_at"] <= moment]
    area = there[0]["area"] if there else None
    homes = {one["property_id"]: one for one in facts["properties"]}

    def homes_at(then: datetime) -> list[Fact]:
        return known(facts["properties"], then, area=area)

    def index(then: datetime) -> float | None:
        so = [one for one in known(facts["market_index"], moment, area=area) if one["event_at"] <= then]
        return so[-1]["value"] if so else None

    def growth(now: float | None, before: float | None) -> float | None:
        return None if now is None or not before else now / before - 1.0

    def price(then: datetime) -> float | None:
        return or_none([one["price_usd"] for one in homes_at(then)], median)

    touched = [one for one in acts if one["campaign"] is not None]
    spells = known(facts["listings"], moment, area=area)
    over = [one for one in spells if not pd.isna(one["ended_at"]) and one["ended_at"] <= moment]
    for_sale = [one for one in spells if one not in over]
    sold = [one for one in over if one["status"] == "sold" and moment - one["ended_at"] < 90 * DAY]
    new = [one for one in spells if moment - one["event_at"] < 30 * DAY]
    tone = [one["sentiment"] for one in wrote if one["direction"] == "in"]
    late = [
        one["sentiment"] for one in wrote if one["direction"] == "in" and moment - one["event_at"] <= 21 * DAY
    ]
    seen = [
        homes[one["property_id"]]
        for one in acts
        if one["kind"] in ("listing_view", "listing_save", "tour")
        and max(homes[one["property_id"]]["event_at"], homes[one["property_id"]]["recorded_at"])
        <= one["event_at"]
    ]
    zone = there[0]["time_zone"] if there else None
    clock = ZoneInfo(zone) if zone in ("America/New_York", "Australia/Lord_Howe") else UTC
    lately = [one["event_at"].to_pydatetime() for one in acts if moment - one["event_at"] <= 21 * DAY]
    shown = [when.astimezone(clock) for when in lately]
    gaps = [days(b["event_at"] - a["event_at"]) for a, b in pairwise(acts)]
    ours, theirs = answers(wrote, "in"), answers(wrote, "out")
    rows = streaks([one["event_at"] for one in acts], moment)
    came = lead["event_at"].to_pydatetime().astimezone(clock)
    looks = [one["property_id"] for one in acts]
    replies = [one for one in acts if one["kind"] == "reply"]
    reply_gaps = [days(b["event_at"] - a["event_at"]) for a, b in pairwise(replies)]
    sent = [one for one in wrote if one["direction"] == "out"]
    early = [one for one in acts if one["event_at"] - lead["event_at"] < 7 * DAY]
    week = [one for one in acts if moment - one["event_at"] <= 7 * DAY]
    waited = (sent[0]["event_at"] if sent else moment) - lead["event_at"]
    timeline = there[0]["timeline_days"] if there and not pd.isna(there[0]["timeline_days"]) else None
    return {
        "silence_days": days(moment - (acts[-1] if acts else lead)["event_at"]),
        "interactions_count_log": log(1 + len(acts)),
        "interactions_trend_log": log((1 + len(week)) / (1 + len(early))),
        "first_response_hours_log": log(1 + max(waited / timedelta(hours=1), 0.0)),
        "replied_share": min(len(replies) / (len(sent) + 1), 1.0),
        "timeline_days_log": None if timeline is None else log(1 + timeline),
        "is_timeline_known": float(timeline is not None),
        "reply_gap_days_mean": or_none(reply_gaps, mean),
        "message_length_mean": or_none(
            [float(len(one["text"])) for one in wrote if one["direction"] == "in"], mean
        ),
        "emails_out_count_21d": float(
            sum(one["channel"] == "email" and moment - one["event_at"] <= 21 * DAY for one in sent)
        ),
        "response_hours_mean": or_none([hours for hours in ours if hours is not None], mean),
        "response_hours_max": or_none([hours for hours in ours if hours is not None], max),
        "unanswered_count": float(sum(hours is None for hours in ours)),
        "lead_response_hours_mean": or_none([hours for hours in theirs if hours is not None], mean),
        "lead_response_hours_last": or_none([hours for hours in theirs if hours is not None], newest),
        "unanswered_by_lead_count": float(sum(hours is None for hours in theirs)),
        "turns_count": float(sum(a["direction"] != b["direction"] for a, b in pairwise(wrote))),
        "active_streak_days_last": float(rows[-1]) if rows else 0.0,
        "active_streak_days_max": float(max(rows, default=0)),
        "interaction_gap_days_mean": or_none(gaps, mean),
        "interaction_gap_days_max": or_none(gaps, max),
        "morning_share_21d": or_none([float(when.hour < 12) for when in shown], mean),
        "evening_share_21d": or_none([float(when.hour >= 18) for when in shown], mean),
        "weekend_share_21d": or_none([float(when.weekday() >= 5) for when in shown], mean),
        "campaigns_count": float(len({one["campaign"] for one in touched})),
        "campaign_interactions_count": float(len(touched)),
        "campaign_interactions_count_21d": float(
            sum(moment - one["event_at"] <= 21 * DAY for one in touched)
        ),
        "campaign_interactions_share": len(touched) / len(acts) if acts else None,
        "days_since_campaign": days(moment - touched[-1]["event_at"]) if touched else None,
        "homes_seen_count": float(len(set(looks))),
        "homes_seen_again_count": float(sum(looks.count(one) > 1 for one in set(looks))),
        "favourite_home_count": float(max((looks.count(one) for one in set(looks)), default=0)),
        "viewed_price_mean_usd": or_none([one["price_usd"] for one in seen], mean),
        "viewed_price_last_usd": or_none([one["price_usd"] for one in seen], newest),
        "viewed_in_area_share": or_none([float(one["area"] == area) for one in seen if area], mean),
        "created_local_hour": float(came.hour),
        "created_local_weekday": float(came.weekday()),
        "local_weekday": float(moment.astimezone(clock).weekday()),
        "market_index": index(moment),
        "market_index_change_30d": growth(index(moment), index(moment - 30 * DAY)),
        "market_index_change_365d": growth(index(moment), index(moment - 365 * DAY)),
        "area_price_median_usd": price(moment),
        "area_price_change_90d": growth(price(moment), price(moment - 90 * DAY)),
        "area_for_sale_count": None if area is None else float(len(for_sale)),
        "area_new_listings_count_30d": None if area is None else float(len(new)),
        "area_sold_count_90d": None if area is None else float(len(sold)),
        "area_supply_months": len(for_sale) / (len(sold) / 3.0) if area and sold else None,
        "area_days_on_market": or_none([days(moment - one["event_at"]) for one in for_sale], median),
        "area_days_to_sale_90d": or_none([days(one["ended_at"] - one["event_at"]) for one in sold], median),
        "message_sentiment_mean": or_none(tone, mean),
        "message_sentiment_mean_21d": or_none(late, mean),
        "message_sentiment_last": or_none(tone, newest),
        "message_sentiment_min_21d": or_none(late, min),
        "area_homes_count": None if area is None else float(len(homes_at(moment))),
        "area_homes_change_30d": None
        if area is None
        else float(len(homes_at(moment)) - len(homes_at(moment - 30 * DAY))),
    }  # fmt: skip


def test_they_are_what_loops_give(desk: tuple[dict[str, list[Fact]], list[datetime], Frame]) -> None:
    facts, moments, made = desk
    rows, differ = made.records(), set[str]()
    for i, moment in enumerate(moments):
        lead = facts["leads"][i]
        for name, value in plain(facts, lead, moment).items():
            got = rows[i][name]
            if value is None or got is None:
                assert got is value, (name, lead["lead_id"], got, value)
            else:
                assert got == pytest.approx(value, rel=1e-9, abs=1e-12), (name, lead["lead_id"])
                differ.add(name)
    assert len(differ) >= 54, "hardly anything was compared"


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Etc/UTC"]
)
def test_local_time_is_that_of_the_zone_to_the_second(zone: str) -> None:
    random = np.random.default_rng(5)
    years = random.integers(946_684_800, 2_100_000_000, 300)  # 2000 to 2036
    changes = 1_775_313_000 + np.arange(-7_200, 7_200, 60)  # around an April morning when clocks change
    seconds = np.concatenate([years, changes])
    shown = local(seconds * 1_000_000, np.full(len(seconds), zone, dtype=object))
    for second, clock in zip(seconds.tolist(), shown.tolist(), strict=True):
        there = datetime.fromtimestamp(second, ZoneInfo(zone)).replace(tzinfo=UTC)
        assert there.timestamp() * 1_000_000 == clock, datetime.fromtimestamp(second, UTC)


def test_an_unknown_zone_counts_as_utc() -> None:
    times = np.array([1_767_614_400_000_000] * 4)
    zones = np.array([None, "Moon/Base", "", "../etc/passwd"], dtype=object)
    assert local(times, zones).tolist() == times.tolist()
