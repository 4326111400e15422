"""A model file as a user writes it; the benchmark puts it, with its data, into a stack of its own."""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(random_state=seed))


SPEC = ModelSpec(
    name="flat_sale",
    purpose="The chance that a flat sells.",
    task=Task.BINARY,
    source=TableSource(path="flats.csv", label="sold", entity="flat_id", time="listed_at"),
    features=FeatureSet(numbers=("rooms", "price_usd")),
    estimator=_logistic,
    gate=Gate(calibration_error=None),
    schedule=None,
)
