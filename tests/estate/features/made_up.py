"""Facts that are made up, with both clocks, and the models that are computed from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from estate.catalog import OWN
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import CrmSource
from estate.features import preference, source
from estate.features.dictionary import all_features

START = datetime(2025, 1, 1, tzinfo=UTC)
AS_OF = datetime(2025, 6, 1, tzinfo=UTC)
_OWN = [spec for spec in OWN if spec.computes_from_histories]
_TEXTS = (preference.financing, source.lead_source, source.lead_area, source.lead_campaign)
EVERY = replace(
    _OWN[0],
    name="every_feature",
    source=CrmSource(outcome="converted", horizon_days=60, age_days=14),
    features=FeatureSet(numbers=tuple(f for f in all_features() if f not in _TEXTS), categories=_TEXTS),
)
"""A model that reads every feature that there is."""
CRM_SPECS = [*_OWN, EVERY]
WORDS = ("love", "hate", "great", "awful", "maybe", "tomorrow", "house", "not", "very", "but", "!", "price")
KINDS = ("visit", "email_open", "email_click", "reply", "call", "tour", "listing_view", "listing_save")


def facts_of(leads: int = 120, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Make up facts with both clocks; a quarter of them learned days after they happened."""
    random = np.random.default_rng(seed)

    def times(n: int, base: pd.Series[pd.Timestamp], days: float) -> dict[str, pd.Series[pd.Timestamp]]:
        event = base + pd.to_timedelta(random.uniform(0, days, n), unit="D").floor("us")
        late = np.where(random.random(n) < 0.25, random.uniform(0, 20, n), 0.001)
        return {"event_at": event, "recorded_at": event + pd.to_timedelta(late, unit="D").floor("us")}

    created = pd.Series(pd.Timestamp(START)).repeat(leads).reset_index(drop=True)
    lead = pd.DataFrame(
        {
            "lead_id": [f"l{i:04d}" for i in range(leads)],
            "source": random.choice(["portal", "referral", None], leads),  # type: ignore[arg-type]
            "area": random.choice(["north", "south"], leads),
            "budget_usd": np.where(random.random(leads) < 0.2, np.nan, random.uniform(1e5, 9e5, leads)),
            "bedrooms_wanted": random.integers(1, 6, leads).astype(float),
            "timeline_days": np.where(np.arange(leads) % 9 == 4, np.nan, random.uniform(10, 400, leads)),
            "financing": random.choice(["cash", "loan", None], leads),  # type: ignore[arg-type]
            "campaign": ["spring" if i % 3 else None for i in range(leads)],
            "time_zone": random.choice(["America/New_York", "Australia/Lord_Howe", "Moon/Base", None], leads),  # type: ignore[arg-type]
            **times(leads, created, 60.0),
        }
    )
    homes = pd.DataFrame(
        {
            "property_id": [f"p{i:03d}" for i in range(40)],
            "area": random.choice(["north", "south"], 40),
            "price_usd": random.uniform(1e5, 9e5, 40),
            "bedrooms": np.where(np.arange(40) % 7 == 0, np.nan, np.arange(40) % 5 + 1.0),
            "living_area_sqft": np.where(np.arange(40) % 9 == 0, 0.0, 700.0 + np.arange(40) * 31.0),
            "kind": "house",
            **times(40, created[:40], 30.0),
        }
    )
    ended = random.random(60) < 0.6
    listings = pd.DataFrame(
        {
            "listing_id": [f"s{i:03d}" for i in range(60)],
            "property_id": [f"p{i % 40:03d}" for i in range(60)],
            "area": random.choice(["north", "south"], 60),
            "status": np.where(ended, random.choice(["sold", "withdrawn"], 60), "active"),
            "price_usd": random.uniform(1e5, 9e5, 60),
            **times(60, created[:60] - pd.Timedelta(days=60), 150.0),
        }
    )
    spell = pd.to_timedelta(random.uniform(1, 90, 60), unit="D").floor("us")
    listings["ended_at"] = (listings["event_at"] + spell).where(ended)
    n = leads * 30
    who = random.integers(0, leads, n)
    interactions = pd.DataFrame(
        {
            "interaction_id": [f"i{i:06d}" for i in range(n)],
            "lead_id": lead["lead_id"].to_numpy()[who],
            "kind": random.choice(KINDS, n),
            "property_id": homes["property_id"].to_numpy()[random.integers(0, 40, n)],
            "duration_seconds": random.uniform(1, 900, n),
            "campaign": ["spring" if i % 11 == 3 else "open day" if i % 11 == 7 else None for i in range(n)],
            **times(n, lead["event_at"].iloc[who].reset_index(drop=True), 40.0),
        }
    )
    messages = pd.DataFrame(
        {
            "message_id": [f"m{i:06d}" for i in range(n // 3)],
            "lead_id": lead["lead_id"].to_numpy()[who[: n // 3]],
            "direction": random.choice(["in", "out"], n // 3),
            "channel": random.choice(["email", "chat", None], n // 3),  # type: ignore[arg-type]
            "text": [
                " ".join(["we", *[WORDS[j] for j in random.integers(0, len(WORDS), int(k))]])
                for k in random.integers(1, 30, n // 3)
            ],
            **times(n // 3, lead["event_at"].iloc[who[: n // 3]].reset_index(drop=True), 40.0),
        }
    )
    index = pd.DataFrame(
        {
            "index_id": [f"x{i:03d}" for i in range(40)],
            "area": ["north", "south"] * 20,
            "value": random.uniform(90, 130, 40),
            **times(40, created[:40] - pd.Timedelta(days=420), 570.0),
        }
    )
    outcomes = pd.DataFrame(
        {
            "outcome_id": [f"o{i:04d}" for i in range(leads // 2)],
            "lead_id": lead["lead_id"].to_numpy()[: leads // 2],
            "kind": random.choice(["converted", "churned"], leads // 2),
            **times(leads // 2, lead["event_at"].iloc[: leads // 2] + pd.Timedelta(days=8), 40.0),
        }
    )
    return {
        "leads": lead,
        "properties": homes,
        "listings": listings,
        "interactions": interactions,
        "messages": messages,
        "market_index": index,
        "outcomes": outcomes,
    }


def corrections_of(facts: dict[str, pd.DataFrame], recorded_at: datetime) -> dict[str, pd.DataFrame]:
    """Make up other values for the facts, learned later: every column but the id and when a lead came."""
    made = {}
    for kind, rows in facts.items():
        other = rows.sample(frac=1.0, random_state=5).reset_index(drop=True)
        other[rows.columns[0]] = rows[rows.columns[0]]
        if kind == "leads":
            other["event_at"] = rows["event_at"]
        else:
            other["event_at"] -= pd.Timedelta(hours=7)
        if kind == "listings":
            other["ended_at"] += pd.Timedelta(days=3)
        made[kind] = other.assign(recorded_at=pd.Timestamp(recorded_at))
    return made


def same_bits(left: Frame, right: Frame) -> None:
    assert list(left.columns) == list(right.columns)
    for name in left.columns:
        if left[name].dtype == object:
            assert left[name].tolist() == right[name].tolist(), name
        else:
            assert left[name].tobytes() == right[name].tobytes(), name
