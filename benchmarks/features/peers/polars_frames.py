"""The hundred features in Polars: ``python polars_frames.py FOLDER OUT``; prints seconds and peak memory."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import polars as pl

DAY = 86_400_000_000
AGE = 60 * DAY
age, kind, price = pl.col("age"), pl.col("kind"), pl.col("price_usd")
VIEWED = kind.is_in(["listing_view", "listing_save", "tour"])
YOUNG = age <= 21 * DAY
IN, OUT = pl.col("direction") == "in", pl.col("direction") == "out"
LENGTH = pl.col("text").str.len_chars()
COUNTS = {
    "visits": "visit", "email_opens": "email_open", "email_clicks": "email_click", "replies": "reply",
    "calls": "call", "tours": "tour", "listing_views": "listing_view", "listing_saves": "listing_save",
}  # fmt: skip


def count(where: pl.Expr) -> pl.Expr:
    return where.sum().cast(pl.Float64)


def of(one: str, days: int) -> pl.Expr:
    return count((kind == one) & (age <= days * DAY))


def change(where: pl.Expr) -> pl.Expr:
    return count(where & (age <= 7 * DAY)) - count(where & (age > 7 * DAY) & (age <= 14 * DAY))


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole != 0).then(part / whole)


def mean(values: pl.Expr, where: pl.Expr) -> pl.Expr:
    return values.filter(where).mean()


def since(where: pl.Expr) -> pl.Expr:
    return age.filter(where).min() / DAY


EVERY = pl.lit(True)
INTERACTIONS = {
    **{f"{many}_count_{days}d": of(one, days) for many, one in COUNTS.items() for days in (7, 21)},
    **{f"interactions_count_{days}d": count(age <= days * DAY) for days in (1, 3, 7, 21, 30, 90)},
    "interactions_count": pl.len(),
    "interactions_count_first_7d": count(AGE - age < 7 * DAY),
    "interactions_share_7d": ratio(count(age <= 7 * DAY), count(YOUNG)),
    **{f"{many}_change_7d": change(kind == COUNTS[many]) for many in ("visits", "replies", "listing_views")},
    "interactions_change_7d": count(age <= 7 * DAY) - count((age > 7 * DAY) & (age <= 14 * DAY)),
    "email_clicks_ratio_21d": ratio(of("email_click", 21), of("email_open", 21)),
    "listing_saves_ratio_21d": ratio(of("listing_save", 21), of("listing_view", 21)),
    "tours_ratio_21d": ratio(of("tour", 21), of("listing_view", 21)),
    "call_seconds_sum_7d": pl.col("duration_seconds").filter((kind == "call") & (age <= 7 * DAY)).sum(),
    "call_seconds_sum_21d": pl.col("duration_seconds").filter((kind == "call") & YOUNG).sum(),
    "call_seconds_mean_21d": mean(pl.col("duration_seconds"), (kind == "call") & YOUNG),
    "visit_seconds_mean_21d": mean(pl.col("duration_seconds"), (kind == "visit") & YOUNG),
    "kinds_count_21d": kind.filter(YOUNG).n_unique(),
    "days_since_interaction": age.min() / DAY,
    **{
        f"days_since_{one}": since(kind == one)
        for one in ("reply", "visit", "tour", "call", "listing_view", "listing_save")
    },
    "days_since_first_interaction": age.max() / DAY,
    **{
        f"active_days_count_{days}d": (age // DAY).filter(age <= days * DAY).n_unique()
        for days in (7, 21, 30)
    },
    "active_days_count": (age // DAY).n_unique(),
    "interaction_gap_days_mean": pl.col("gap").mean(),
    "interaction_gap_days_max": pl.col("gap").max(),
    "interaction_gap_days_deviation": pl.col("gap").std(),
    "silence_ratio": ratio(age.min() / DAY, pl.col("gap").mean()),
    "morning_share_21d": ratio(count((pl.col("event_at").dt.hour() < 12) & YOUNG), count(YOUNG)),
    "evening_share_21d": ratio(count((pl.col("event_at").dt.hour() >= 18) & YOUNG), count(YOUNG)),
    "weekend_share_21d": ratio(count((pl.col("event_at").dt.weekday() >= 6) & YOUNG), count(YOUNG)),
    "homes_seen_count": pl.col("property_id").n_unique(),
    "homes_seen_count_21d": pl.col("property_id").filter(YOUNG).n_unique(),
    "viewed_price_mean_usd": mean(price, VIEWED),
    "viewed_price_deviation_usd": price.filter(VIEWED).std(),
    "viewed_price_min_usd": price.filter(VIEWED).min(),
    "viewed_price_max_usd": price.filter(VIEWED).max(),
    "viewed_price_last_usd": price.filter(VIEWED).last(),
    "viewed_price_last_ratio": ratio(price.filter(VIEWED).last(), mean(price, VIEWED)),
    "saved_price_mean_usd": mean(price, kind == "listing_save"),
    "toured_price_mean_usd": mean(price, kind == "tour"),
    "viewed_over_budget_share": ratio(
        count(VIEWED & (price > pl.col("budget_usd"))), count(VIEWED & price.is_not_null())
    ),
    "viewed_bedrooms_mean": mean(pl.col("bedrooms"), VIEWED),
    "viewed_bedrooms_difference": mean(pl.col("bedrooms"), VIEWED) - pl.col("bedrooms_wanted").first(),
    "viewed_living_area_mean_sqft": mean(pl.col("living_area_sqft"), VIEWED),
    "viewed_price_per_sqft_mean_usd": mean(price / pl.col("living_area_sqft"), VIEWED),
    "viewed_areas_count": pl.col("home_area").filter(VIEWED).n_unique(),
    "viewed_in_area_share": ratio(
        count(VIEWED & (pl.col("home_area") == pl.col("area"))),
        count(VIEWED & pl.col("home_area").is_not_null()),
    ),
}
MESSAGES = {
    **{f"messages_in_count_{days}d": count(IN & (age <= days * DAY)) for days in (7, 21)},
    **{f"messages_out_count_{days}d": count(OUT & (age <= days * DAY)) for days in (7, 21)},
    "messages_in_count": count(IN),
    "messages_out_count": count(OUT),
    "messages_in_change_7d": change(IN),
    "reply_ratio_7d": ratio(count(IN & (age <= 7 * DAY)), count(OUT & (age <= 7 * DAY))),
    "reply_ratio_21d": ratio(count(IN & YOUNG), count(OUT & YOUNG)),
    "reply_ratio": ratio(count(IN), count(OUT)),
    "message_length_mean_7d": mean(LENGTH, IN & (age <= 7 * DAY)),
    "message_length_mean_21d": mean(LENGTH, IN & YOUNG),
    "message_length_last": LENGTH.filter(IN).last(),
    "message_length_max": LENGTH.filter(IN).max(),
    "days_since_message_in": since(IN),
    "days_since_message_out": since(OUT),
    "first_message_hours": 24.0 * (AGE / DAY - age.filter(IN).max() / DAY),
    "first_response_hours": 24.0 * (AGE / DAY - (age.filter(OUT).max() / DAY).fill_null(0.0)),
    "message_gap_days_max": pl.col("gap").max(),
    "turns_count": count(pl.col("turned").fill_null(False)),
    "channels_count": pl.col("channel").n_unique(),
    "email_share": ratio(count(pl.col("channel") == "email"), pl.len()),
}
ZERO = re.compile(r"_count(_|$)|_change_|_sum_")


def known(folder: Path, name: str, leads: pl.LazyFrame, columns: list[str]) -> pl.LazyFrame:
    facts = pl.scan_parquet(folder / f"{name}.parquet").select("lead_id", *columns, "event_at", "recorded_at")
    happened, learned = pl.col("event_at").dt.epoch("us"), pl.col("recorded_at").dt.epoch("us")
    return (
        facts.join(leads, on="lead_id")
        .filter((happened <= pl.col("moment")) & (learned <= pl.col("moment")))
        .with_columns(age=pl.col("moment") - happened)
        .sort("lead_id", "event_at")
        .with_columns(gap=(age.shift().over("lead_id") - age) / DAY)
    )


def grouped(facts: pl.LazyFrame, columns: dict[str, pl.Expr]) -> pl.LazyFrame:
    return facts.group_by("lead_id").agg(**columns)


def features(folder: Path) -> pl.LazyFrame:
    own = pl.scan_parquet(folder / "leads.parquet")
    leads = own.select(
        "lead_id", "area", "budget_usd", "bedrooms_wanted", moment=pl.col("event_at").dt.epoch("us") + AGE
    )
    homes = pl.scan_parquet(folder / "properties.parquet").select(
        "property_id", "price_usd", "bedrooms", "living_area_sqft", home_area="area",
        listed=pl.max_horizontal("event_at", "recorded_at"),
    )  # fmt: skip
    seen = known(folder, "interactions", leads, ["kind", "property_id", "duration_seconds"])
    unknown = pl.col("listed").is_null() | (pl.col("listed") > pl.col("event_at"))
    seen = seen.join(homes, on="property_id", how="left", maintain_order="left").with_columns(
        pl.when(~unknown).then(pl.col(name)).alias(name)
        for name in ("price_usd", "bedrooms", "living_area_sqft", "home_area")
    )
    looks = seen.filter(pl.col("property_id").is_not_null()).group_by("lead_id", "property_id").len("n")
    again = looks.group_by("lead_id").agg(
        homes_seen_again_count=count(pl.col("n") > 1), favourite_home_count=pl.col("n").max()
    )
    wrote = known(folder, "messages", leads, ["direction", "channel", "text"])
    side = pl.col("direction")
    wrote = wrote.with_columns(turned=side != side.shift().over("lead_id"))
    made = own.select(
        "lead_id",
        lead_age_days=pl.lit(AGE / DAY),
        created_hour=pl.col("event_at").dt.hour(),
        created_weekday=pl.col("event_at").dt.weekday() - 1,
    )
    for part in (grouped(seen, INTERACTIONS), again, grouped(wrote, MESSAGES)):
        made = made.join(part, on="lead_id", how="left")
    zeros = [name for name in made.collect_schema().names() if ZERO.search(name)]
    return made.with_columns(
        pl.col(zeros).fill_null(0), pl.col("first_response_hours").fill_null(24.0 * AGE / DAY)
    )


def peak_mb() -> float:
    (found,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found) / 1024


if __name__ == "__main__":
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    began = time.perf_counter()
    features(source).collect().write_parquet(out)
    print(json.dumps({"seconds": time.perf_counter() - began, "peak_mb": peak_mb()}))
