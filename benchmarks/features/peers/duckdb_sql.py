"""The hundred features in DuckDB's SQL: ``python duckdb_sql.py FOLDER OUT``; prints seconds and peak MB."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import duckdb

DAY = 86_400_000_000
AGE = 60 * DAY


def count(condition: str) -> str:
    return f"count(*) FILTER ({condition})"


def kind(name: str, days: int) -> str:
    return count(f"kind = '{name}' AND age <= {days * DAY}")


def change(condition: str) -> str:
    before = f"({condition}) AND age > {7 * DAY} AND age <= {14 * DAY}"
    return f"{count(f'({condition}) AND age <= {7 * DAY}')} - {count(before)}"


def ratio(part: str, whole: str) -> str:
    return f"({part}) / nullif(CAST({whole} AS DOUBLE), 0)"


def since(condition: str) -> str:
    return f"min(age) FILTER ({condition}) / {DAY}.0"


VIEWED = "kind IN ('listing_view', 'listing_save', 'tour')"
CALL21 = f"kind = 'call' AND age <= {21 * DAY}"
COUNTS = {
    "visits": "visit", "email_opens": "email_open", "email_clicks": "email_click", "replies": "reply",
    "calls": "call", "tours": "tour", "listing_views": "listing_view", "listing_saves": "listing_save",
}  # fmt: skip
YOUNG = f"age <= {21 * DAY}"

INTERACTIONS = {
    **{f"{many}_count_{days}d": kind(one, days) for many, one in COUNTS.items() for days in (7, 21)},
    **{f"interactions_count_{days}d": count(f"age <= {days * DAY}") for days in (1, 3, 7, 21, 30, 90)},
    "interactions_count": "count(*)",
    "interactions_count_first_7d": count(f"{AGE} - age < {7 * DAY}"),
    "interactions_share_7d": ratio(count(f"age <= {7 * DAY}"), count(YOUNG)),
    **{
        f"{many}_change_7d": change(f"kind = '{COUNTS[many]}'")
        for many in ("visits", "replies", "listing_views")
    },
    "interactions_change_7d": change("true"),
    "email_clicks_ratio_21d": ratio(kind("email_click", 21), kind("email_open", 21)),
    "listing_saves_ratio_21d": ratio(kind("listing_save", 21), kind("listing_view", 21)),
    "tours_ratio_21d": ratio(kind("tour", 21), kind("listing_view", 21)),
    "call_seconds_sum_7d": f"coalesce(sum(duration_seconds) FILTER (kind = 'call' AND age <= {7 * DAY}), 0)",
    "call_seconds_sum_21d": f"coalesce(sum(duration_seconds) FILTER ({CALL21}), 0)",
    "call_seconds_mean_21d": f"avg(duration_seconds) FILTER ({CALL21})",
    "visit_seconds_mean_21d": f"avg(duration_seconds) FILTER (kind = 'visit' AND {YOUNG})",
    "kinds_count_21d": f"count(DISTINCT kind) FILTER ({YOUNG})",
    "days_since_interaction": f"min(age) / {DAY}.0",
    **{
        f"days_since_{one}": since(f"kind = '{one}'")
        for one in ("reply", "visit", "tour", "call", "listing_view", "listing_save")
    },
    "days_since_first_interaction": f"max(age) / {DAY}.0",
    **{
        f"active_days_count_{days}d": f"count(DISTINCT age // {DAY}) FILTER (age <= {days * DAY})"
        for days in (7, 21, 30)
    },
    "active_days_count": f"count(DISTINCT age // {DAY})",
    "interaction_gap_days_mean": "avg(gap)",
    "interaction_gap_days_max": "max(gap)",
    "interaction_gap_days_deviation": "stddev_samp(gap)",
    "silence_ratio": ratio(f"min(age) / {DAY}.0", "avg(gap)"),
    "morning_share_21d": ratio(count(f"hour(event_at) < 12 AND {YOUNG}"), count(YOUNG)),
    "evening_share_21d": ratio(count(f"hour(event_at) >= 18 AND {YOUNG}"), count(YOUNG)),
    "weekend_share_21d": ratio(count(f"isodow(event_at) >= 6 AND {YOUNG}"), count(YOUNG)),
    "homes_seen_count": "count(DISTINCT property_id)",
    "homes_seen_count_21d": f"count(DISTINCT property_id) FILTER ({YOUNG})",
    "viewed_price_mean_usd": f"avg(price_usd) FILTER ({VIEWED})",
    "viewed_price_deviation_usd": f"stddev_samp(price_usd) FILTER ({VIEWED})",
    "viewed_price_min_usd": f"min(price_usd) FILTER ({VIEWED})",
    "viewed_price_max_usd": f"max(price_usd) FILTER ({VIEWED})",
    "viewed_price_last_usd": f"arg_min(price_usd, age) FILTER ({VIEWED})",
    "viewed_price_last_ratio": ratio(
        f"arg_min(price_usd, age) FILTER ({VIEWED})", f"avg(price_usd) FILTER ({VIEWED})"
    ),
    "saved_price_mean_usd": "avg(price_usd) FILTER (kind = 'listing_save')",
    "toured_price_mean_usd": "avg(price_usd) FILTER (kind = 'tour')",
    "viewed_over_budget_share": ratio(
        count(f"{VIEWED} AND price_usd > budget_usd"), count(f"{VIEWED} AND price_usd IS NOT NULL")
    ),
    "viewed_bedrooms_mean": f"avg(bedrooms) FILTER ({VIEWED})",
    "viewed_bedrooms_difference": f"avg(bedrooms) FILTER ({VIEWED}) - any_value(bedrooms_wanted)",
    "viewed_living_area_mean_sqft": f"avg(living_area_sqft) FILTER ({VIEWED})",
    "viewed_price_per_sqft_mean_usd": f"avg(price_usd / nullif(living_area_sqft, 0)) FILTER ({VIEWED})",
    "viewed_areas_count": f"count(DISTINCT home_area) FILTER ({VIEWED})",
    "viewed_in_area_share": ratio(
        count(f"{VIEWED} AND home_area = area"), count(f"{VIEWED} AND home_area IS NOT NULL")
    ),
}
IN, OUT = "direction = 'in'", "direction = 'out'"
MESSAGES = {
    **{f"messages_in_count_{days}d": count(f"{IN} AND age <= {days * DAY}") for days in (7, 21)},
    **{f"messages_out_count_{days}d": count(f"{OUT} AND age <= {days * DAY}") for days in (7, 21)},
    "messages_in_count": count(IN),
    "messages_out_count": count(OUT),
    "messages_in_change_7d": change(IN),
    "reply_ratio_7d": ratio(count(f"{IN} AND age <= {7 * DAY}"), count(f"{OUT} AND age <= {7 * DAY}")),
    "reply_ratio_21d": ratio(count(f"{IN} AND {YOUNG}"), count(f"{OUT} AND {YOUNG}")),
    "reply_ratio": ratio(count(IN), count(OUT)),
    "message_length_mean_7d": f"avg(length(text)) FILTER ({IN} AND age <= {7 * DAY})",
    "message_length_mean_21d": f"avg(length(text)) FILTER ({IN} AND {YOUNG})",
    "message_length_last": f"arg_min(length(text), age) FILTER ({IN})",
    "message_length_max": f"max(length(text)) FILTER ({IN})",
    "days_since_message_in": since(IN),
    "days_since_message_out": since(OUT),
    "first_message_hours": f"24.0 * ({AGE / DAY} - max(age) FILTER ({IN}) / {DAY}.0)",
    "first_response_hours": f"24.0 * ({AGE / DAY} - coalesce(max(age) FILTER ({OUT}) / {DAY}.0, 0))",
    "message_gap_days_max": "max(gap)",
    "turns_count": count("turned"),
    "channels_count": "count(DISTINCT channel)",
    "email_share": ratio(count("channel = 'email'"), "count(*)"),
}
LEADS = {
    "lead_age_days": f"{AGE / DAY}",
    "created_hour": "hour(event_at)",
    "created_weekday": "isodow(event_at) - 1",
}
ZERO = re.compile(r"_count(_|$)|_change_|_sum_")


def selected(columns: dict[str, str]) -> str:
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())


def filled(columns: dict[str, str], table: str) -> str:
    """Leads without any event: a count is 0, the rest is missing."""
    shown = {name: f"{table}.{name}" for name in columns}
    for name in columns:
        if ZERO.search(name):
            shown[name] = f"coalesce({table}.{name}, 0)"
    if "first_response_hours" in columns:
        shown["first_response_hours"] = f"coalesce({table}.first_response_hours, {24.0 * AGE / DAY})"
    return selected(shown)


def query(folder: Path) -> str:
    def known(kind: str, names: str) -> str:
        return f"""
        SELECT l.lead_id, {names}, l.moment - epoch_us(e.event_at) AS age
        FROM '{folder}/{kind}.parquet' e JOIN l USING (lead_id)
        WHERE epoch_us(e.event_at) <= l.moment AND epoch_us(e.recorded_at) <= l.moment"""

    gap = f"(lag(age) OVER (PARTITION BY lead_id ORDER BY age DESC) - age) / {DAY}.0 AS gap"
    turned = "direction <> lag(direction) OVER (PARTITION BY lead_id ORDER BY age DESC) AS turned"
    seen = known(
        "interactions",
        "e.kind, e.property_id, e.duration_seconds, e.event_at, l.area, l.budget_usd, l.bedrooms_wanted",
    )
    return f"""
    WITH l AS (SELECT *, epoch_us(event_at) + {AGE} AS moment FROM '{folder}/leads.parquet'),
    seen AS ({seen}),
    homes AS (
      SELECT s.*, p.price_usd, p.bedrooms, p.living_area_sqft, p.area AS home_area FROM seen s
      LEFT JOIN '{folder}/properties.parquet' p ON p.property_id = s.property_id
       AND greatest(p.event_at, p.recorded_at) <= s.event_at
    ),
    i AS (SELECT lead_id, {selected(INTERACTIONS)} FROM (SELECT *, {gap} FROM homes) GROUP BY lead_id),
    again AS (
      SELECT lead_id, count(*) FILTER (n > 1) AS homes_seen_again_count, max(n) AS favourite_home_count
      FROM (SELECT lead_id, property_id, count(*) AS n FROM seen WHERE property_id IS NOT NULL GROUP BY ALL)
      GROUP BY lead_id
    ),
    m AS (
      SELECT lead_id, {selected(MESSAGES)}
      FROM (SELECT *, {gap}, {turned} FROM ({known("messages", "e.direction, e.channel, e.text")}))
      GROUP BY lead_id
    )
    SELECT l.lead_id, {filled(INTERACTIONS, "i")}, {filled(MESSAGES, "m")}, {selected(LEADS)},
           coalesce(again.homes_seen_again_count, 0) AS homes_seen_again_count,
           coalesce(again.favourite_home_count, 0) AS favourite_home_count
    FROM l LEFT JOIN i USING (lead_id) LEFT JOIN again USING (lead_id) LEFT JOIN m USING (lead_id)"""


def peak_mb() -> float:
    (found,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found) / 1024


if __name__ == "__main__":
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    began = time.perf_counter()
    duckdb.sql("SET TimeZone = 'UTC'")
    duckdb.sql(f"COPY ({query(source)}) TO '{out}' (FORMAT parquet)")
    print(json.dumps({"seconds": time.perf_counter() - began, "peak_mb": peak_mb()}))
