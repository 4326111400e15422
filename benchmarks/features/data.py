"""A desk's facts as Parquet files, in the order in which the desk learned of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

KINDS = ("visit", "email_open", "email_click", "reply", "call", "tour", "listing_view", "listing_save")
AREAS = tuple("abcdefgh")
START_US = 1_735_689_600_000_000  # 1 January 2025
DAY_US = 86_400_000_000
AGE_DAYS = 60
"""Each lead is judged at this age."""
PROPERTIES = 5_000


@dataclass(frozen=True)
class Size:
    """How large a desk is."""

    leads: int
    events: int


def write(folder: Path, size: Size, *, seed: int = 0) -> None:
    """Write leads, interactions (three quarters of the events), messages, properties and a market index."""
    random = np.random.default_rng(seed)
    n = size.leads
    created = START_US + (random.uniform(0, 300, n) * DAY_US).astype(np.int64)
    ids = np.array([f"lead-{i:07d}" for i in range(n)])
    _table(
        folder / "leads.parquet",
        {
            "lead_id": pa.array(ids),
            "source": _choice(random, ("portal", "ads", "referral"), n),
            "area": _choice(random, AREAS, n),
            "budget_usd": pa.array(random.lognormal(12.9, 0.4, n)),
            "bedrooms_wanted": pa.array(random.integers(1, 6, n).astype(float)),
            "timeline_days": pa.array(random.uniform(10, 400, n)),
            "financing": _choice(random, ("cash", "loan"), n),
            "time_zone": pa.nulls(n, pa.string()),
        },
        created,
        created,
    )
    listed = START_US - (random.uniform(0, 100, PROPERTIES) * DAY_US).astype(np.int64)
    _table(
        folder / "properties.parquet",
        {
            "property_id": pa.array([f"home-{i:05d}" for i in range(PROPERTIES)]),
            "area": _choice(random, AREAS, PROPERTIES),
            "price_usd": pa.array(random.lognormal(12.9, 0.4, PROPERTIES)),
            "bedrooms": pa.array(random.integers(1, 7, PROPERTIES).astype(float)),
            "living_area_sqft": pa.array(random.uniform(500, 4000, PROPERTIES)),
            "kind": _choice(random, ("house", "condo"), PROPERTIES),
        },
        listed,
        listed,
    )
    calls, texts = size.events * 3 // 4, size.events // 4
    lead, happened, learned = _events(random, created, calls)
    _table(
        folder / "interactions.parquet",
        {
            "interaction_id": pa.array(np.char.add("i", np.arange(calls).astype(str))),
            "lead_id": pa.array(ids[lead]),
            "kind": _choice(random, KINDS, calls),
            "property_id": pa.array([f"home-{i:05d}" for i in range(PROPERTIES)]).take(
                pa.array(random.integers(0, PROPERTIES, calls))
            ),
            "duration_seconds": pa.array(random.uniform(1, 900, calls)),
        },
        happened,
        learned,
    )
    lead, happened, learned = _events(random, created, texts)
    _table(
        folder / "messages.parquet",
        {
            "message_id": pa.array(np.char.add("m", np.arange(texts).astype(str))),
            "lead_id": pa.array(ids[lead]),
            "direction": _choice(random, ("in", "out"), texts),
            "channel": _choice(random, ("email", "chat"), texts),
            "text": pa.array(["x" * k for k in range(1, 201)]).take(pa.array(random.integers(0, 200, texts))),
        },
        happened,
        learned,
    )
    weeks = np.repeat(np.arange(-20, 60), len(AREAS))
    happened = START_US + weeks * 7 * DAY_US
    _table(
        folder / "market_index.parquet",
        {
            "area": pa.array(AREAS * (len(weeks) // len(AREAS))),
            "value": pa.array(100.0 + random.normal(0, 1, len(weeks)).cumsum()),
        },
        happened,
        happened + (random.uniform(0, 20, len(weeks)) * DAY_US).astype(np.int64),
    )


def _events(
    random: np.random.Generator, created: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    lead = random.integers(0, len(created), count)
    happened = created[lead] + (random.uniform(0, 90, count) * DAY_US).astype(np.int64)
    late = np.where(random.random(count) < 0.05, random.uniform(0, 20, count), 0.0)
    learned = happened + (late * DAY_US).astype(np.int64)
    order = np.argsort(learned, kind="stable")
    return lead[order], happened[order], learned[order]


def _choice(random: np.random.Generator, values: tuple[str, ...], count: int) -> pa.Array:
    return pa.array(values).take(pa.array(random.integers(0, len(values), count)))


def _table(
    path: Path, columns: dict[str, pa.Array], happened: NDArray[np.int64], learned: NDArray[np.int64]
) -> None:
    clocks = {
        name: pa.array(times).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        for name, times in (("event_at", happened), ("recorded_at", learned))
    }
    pq.write_table(pa.table({**columns, **clocks}), path)
