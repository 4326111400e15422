"""A made-up table of leads, as large as asked for, and the model that scores it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import ModelSpec, TableSource, Task

NUMBERS = tuple(f"x{i}" for i in range(25))
CATEGORIES = ("area", "source", "agent")
_LEVELS = {"area": 8, "source": 5, "agent": 12}
_ROWS_AT_ONCE = 250_000
TREES, DEPTH = 300, 6


def xgboost(seed: int) -> Any:
    """Return an unfitted XGBoost model of 300 trees of depth 6."""
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=TREES, max_depth=DEPTH, learning_rate=0.1, random_state=seed, n_jobs=2)


def spec_of(path: Path) -> ModelSpec:
    """Return the model of a table: 28 columns as they are."""
    return ModelSpec(
        name="batch_benchmark",
        purpose="The chance that a made-up lead converts.",
        task=Task.BINARY,
        source=TableSource(path=str(path), label="converted", entity="lead_id"),
        features=FeatureSet(numbers=NUMBERS, categories=CATEGORIES),
        estimator=xgboost,
        schedule=None,
    )


def write_table(path: Path, rows: int, *, seed: int, label: bool) -> Path:
    """Write so many rows as Parquet, with pyarrow's defaults: 28 columns, an id, and the label if asked for.

    Three in ten values of every fifth number are missing.
    """
    random = np.random.default_rng(seed)
    writer: pq.ParquetWriter | None = None
    for start in range(0, rows, _ROWS_AT_ONCE):
        part = _part(random, start, min(_ROWS_AT_ONCE, rows - start), label)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()
    return path


def _part(random: np.random.Generator, first: int, rows: int, label: bool) -> Any:
    values = random.normal(size=(len(NUMBERS), rows))
    columns: dict[str, Any] = {"lead_id": [f"lead-{first + i}" for i in range(rows)]}
    for i, name in enumerate(NUMBERS):
        missing = random.random(rows) < 0.3 if i % 5 == 0 else None
        columns[name] = pa.array(values[i], mask=missing)
    codes = {name: random.integers(0, levels, rows) for name, levels in _LEVELS.items()}
    for name, found in codes.items():
        columns[name] = pa.array([f"{name} {level}" for level in range(_LEVELS[name])]).take(pa.array(found))
    if label:
        logit = 0.6 * values[:8].sum(axis=0) + values[8] * values[9] + np.sin(3 * values[10])
        logit += 0.5 * (codes["area"] % 3) - 2.0
        columns["converted"] = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    return pa.table(columns)
