"""Ours, in a process of its own: ``python -m benchmarks.features.ours FOLDER OUT [running]``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from benchmarks.batch.peak import peak_mb
from benchmarks.features.asked import ASKED, RUNNING
from benchmarks.features.data import AGE_DAYS, DAY_US
from estate.core.feature_set import FeatureSet
from estate.features.fact_columns import FactColumns
from estate.features.histories import build_histories
from estate.features.many_leads import compute_in_parts

_TEXTS = ["lead_id", "kind", "property_id", "direction", "channel"]
_READ = {
    "leads": None,
    "interactions": ["lead_id", "kind", "property_id", "duration_seconds", "event_at", "recorded_at"],
    "messages": ["lead_id", "direction", "channel", "text", "event_at", "recorded_at"],
    "properties": None,
    "market_index": None,
}


def main(folder: Path, out: Path, features: FeatureSet) -> None:
    """Read, compute, write; print seconds and peak memory."""
    began = time.perf_counter()
    facts = {
        kind: pq.read_table(folder / f"{kind}.parquet", columns=names, read_dictionary=_TEXTS)
        for kind, names in _READ.items()
    }
    facts["listings"] = pa.table(
        {name: pa.nulls(0, pa.string()) for name in ("area", "status")}
        | {name: pa.nulls(0, pa.timestamp("us", "UTC")) for name in ("event_at", "recorded_at", "ended_at")}
    )
    leads = FactColumns(facts["leads"])
    ids = leads.texts("lead_id")
    moments = leads.times("event_at") + AGE_DAYS * DAY_US
    read = time.perf_counter() - began
    histories = build_histories(ids, moments, facts)
    arranged = time.perf_counter() - began
    made = compute_in_parts(features, histories)
    columns = {name: pa.array(np.asarray(made[name], dtype=np.float64)) for name in features.names}
    pq.write_table(pa.table({"lead_id": pa.array(ids.tolist()), **columns}), out)
    seconds = time.perf_counter() - began
    parts = {"read": read, "arranged": arranged - read, "computed": seconds - arranged}
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), **parts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), RUNNING if sys.argv[3:] == ["running"] else ASKED)
