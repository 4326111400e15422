"""Running features by Feast: ``python feast_history.py prepare FOLDER``, then ``… join FOLDER OUT``.

Each prints seconds and peak memory. Feast joins values that are there already: of each fact, what held of its
lead once that fact was known. ``prepare`` makes them by DuckDB's windows and declares them to Feast.
"""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, UnixTimestamp

DAY = timedelta(days=1)
AGE = 60 * DAY
VIEWED = "kind IN ('listing_view', 'listing_save', 'tour')"
IN, OUT = "direction = 'in'", "direction = 'out'"
KNOWN = "greatest(event_at, recorded_at)"
VIEWS = {
    "interactions": {
        "interactions_count": "count(*) OVER w",
        "homes_seen_count": "count(*) FILTER (look = 1) OVER w",
        "viewed_price_min_usd": f"min(price_usd) FILTER ({VIEWED}) OVER w",
        "viewed_price_max_usd": f"max(price_usd) FILTER ({VIEWED}) OVER w",
        "last_interaction_at": "max(event_at) OVER w",
    },
    "messages": {
        "messages_in_count": f"count(*) FILTER ({IN}) OVER w",
        "messages_out_count": f"count(*) FILTER ({OUT}) OVER w",
        "message_length_last": f"arg_max(length(text), event_at) FILTER ({IN}) OVER w",
        "message_length_max": f"max(length(text)) FILTER ({IN}) OVER w",
        "email_share": "avg(CASE WHEN channel = 'email' THEN 1.0 ELSE 0.0 END) OVER w",
    },
    "market": {"market_index": "arg_max(value, event_at) OVER w"},
}
KEYS = {"interactions": "lead_id", "messages": "lead_id", "market": "area"}


def make(folder: Path) -> None:
    """Write of each fact what held once it was known."""
    look = f"row_number() OVER (PARTITION BY lead_id, property_id ORDER BY {KNOWN}) AS look"
    facts = {
        "interactions": f"""
        SELECT e.*, p.price_usd FROM (SELECT *, {look} FROM '{folder}/interactions.parquet') e
        LEFT JOIN '{folder}/properties.parquet' p ON p.property_id = e.property_id
         AND greatest(p.event_at, p.recorded_at) <= e.event_at""",
        "messages": f"SELECT * FROM '{folder}/messages.parquet'",
        "market": f"SELECT * FROM '{folder}/market_index.parquet'",
    }
    for view, columns in VIEWS.items():
        values = ", ".join(
            f"CAST({value} AS {'TIMESTAMPTZ' if name.endswith('_at') else 'DOUBLE'}) AS {name}"
            for name, value in columns.items()
        )
        duckdb.sql(f"""
        COPY (
          SELECT {KEYS[view]}, {KNOWN} AS known_at, {values} FROM ({facts[view]})
          WINDOW w AS (PARTITION BY {KEYS[view]} ORDER BY {KNOWN} ROWS UNBOUNDED PRECEDING)
        ) TO '{folder}/feast_{view}.parquet' (FORMAT parquet)""")


def store(folder: Path) -> FeatureStore:
    """Open a store of files alone, computed by DuckDB."""
    config = RepoConfig(
        project="leads",
        provider="local",
        registry=str(folder / "registry.db"),
        offline_store={"type": "duckdb"},
        online_store=None,
        entity_key_serialization_version=3,
    )
    return FeatureStore(config=config)


def declared(folder: Path) -> list[Entity | FeatureView]:
    entities = {key: Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in KEYS.values()}
    views = [
        FeatureView(
            name=view,
            entities=[entities[KEYS[view]]],
            ttl=None,
            schema=[
                Field(name=name, dtype=UnixTimestamp if name.endswith("_at") else Float64) for name in columns
            ],
            online=False,
            source=FileSource(path=str(folder / f"feast_{view}.parquet"), timestamp_field="known_at"),
        )
        for view, columns in VIEWS.items()
    ]
    return [*entities.values(), *views]


def features(folder: Path, joined: FeatureStore) -> pd.DataFrame:
    """Join the views to each lead as of its 60th day."""
    leads = pq.read_table(folder / "leads.parquet", columns=["lead_id", "area", "event_at"]).to_pandas()
    leads["event_timestamp"] = leads.pop("event_at") + AGE
    asked = [f"{view}:{name}" for view, columns in VIEWS.items() for name in columns]
    found: pd.DataFrame = joined.get_historical_features(entity_df=leads, features=asked).to_df()
    since = found["event_timestamp"] - found.pop("last_interaction_at")
    found["days_since_interaction"] = since.dt.total_seconds() / DAY.total_seconds()
    counts = found.filter(regex="_count$").columns
    found[counts] = found[counts].fillna(0.0)
    return found.drop(columns=["event_timestamp", "area"])


def peak_mb() -> float:
    (found,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found) / 1024


if __name__ == "__main__":
    what, source = sys.argv[1], Path(sys.argv[2])
    began = time.perf_counter()
    if what == "prepare":
        make(source)
        store(source).apply(declared(source))
    else:
        found = features(source, store(source))
        pq.write_table(pa.Table.from_pandas(found, preserve_index=False), sys.argv[3])
    print(json.dumps({"seconds": time.perf_counter() - began, "peak_mb": peak_mb()}))
