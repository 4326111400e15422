"""A model file as a user writes it; the test puts it, and its data, into the stack's folder of models."""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.core.rollout import Rollout


def price_per_room_usd(rows: Frame) -> Numbers:
    """What one room costs."""
    return rows["price_usd"] / rows["rooms"]


def _logistic(seed: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(fill, StandardScaler(), LogisticRegression(random_state=seed))


SPEC = ModelSpec(
    name="flat_sale",
    purpose="The chance that a flat sells.",
    task=Task.BINARY,
    source=TableSource(path="flats.csv", label="sold", positive="yes", entity="home_id", time="listed_at"),
    features=FeatureSet(numbers=("rooms", "price_usd", price_per_room_usd), categories=("area",)),
    estimator=_logistic,
    gate=Gate(slices=("area",)),
    half_life_days=10,
    schedule=None,
    rollout=Rollout(most_shift=1.0),  # the market turns: the second version must score otherwise
)
