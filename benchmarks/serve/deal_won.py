"""The model of this benchmark, in a file as a user writes it; it is copied into a home of its own."""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import ModelSpec, TableSource, Task

COLUMNS = tuple(f"signal_{number:02d}" for number in range(28))


def _trees(seed: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=300, max_depth=6, learning_rate=0.1, random_state=seed, n_jobs=1)


SPEC = ModelSpec(
    name="deal_won",
    purpose="The chance that a deal is won, from 28 made-up signals.",
    task=Task.BINARY,
    source=TableSource(path="deals.parquet", label="won", time="seen_at"),
    features=FeatureSet(numbers=COLUMNS),
    estimator=_trees,
    schedule=None,
)
