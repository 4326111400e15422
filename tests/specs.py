"""Small models on small made-up files, for tests of everything that takes a ModelSpec."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task


def price_per_room_usd(rows: Frame) -> Numbers:
    """A derived column, as a data scientist would write it."""
    return rows["price_usd"] / rows["rooms"]


def logistic(seed: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression()
    )


def ridge(seed: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), Ridge()
    )


def write_homes(path: Path, *, rows: int = 2000, seed: int = 0, signal: float = 1.0) -> Path:
    """Write a made-up table of homes: sold or not, days on the market, and a band of three."""
    random = np.random.default_rng(seed)
    rooms = random.integers(1, 7, rows).astype(float)
    price = random.lognormal(12.5, 0.4, rows)
    area = random.choice(["north", "south", "west"], rows)
    logit = signal * (0.6 * (rooms - 3.5) - 1.2 * np.log(price / 270_000) + 0.8 * (area == "north")) - 1.0
    sold = random.random(rows) < 1 / (1 + np.exp(-logit))
    days = 40 - 12 * signal * np.tanh(logit) + random.normal(0, 6, rows)
    table = pd.DataFrame(
        {
            "home_id": [f"h{i:05d}" for i in range(rows)],
            "listed_at": pd.date_range("2024-01-01", periods=rows, freq="h", tz="UTC").astype(str),
            "rooms": rooms,
            "price_usd": price.round(2),
            "area": area,
            "sold": np.where(sold, "yes", "no"),
            "days": days.round(1),
            "band": np.select([logit < -1.5, logit < 0], ["cold", "warm"], "hot"),
        }
    )
    table.loc[random.random(rows) < 0.05, "price_usd"] = np.nan
    table.loc[random.random(rows) < 0.05, "area"] = None
    table.to_csv(path, index=False)
    return path


def home_spec(path: Path, **changes: Any) -> ModelSpec:
    """Describe the binary model of that table."""
    spec = ModelSpec(
        name="home_sale",
        purpose="The chance that a home sells.",
        task=Task.BINARY,
        source=TableSource(path=str(path), label="sold", positive="yes", entity="home_id", time="listed_at"),
        features=FeatureSet(numbers=("rooms", "price_usd", price_per_room_usd), categories=("area",)),
        estimator=logistic,
        gate=Gate(slices=("area",)),
    )
    return replace(spec, **changes)


def days_spec(path: Path) -> ModelSpec:
    """Describe the regression model of that table."""
    source = TableSource(path=str(path), label="days", entity="home_id", time="listed_at")
    return home_spec(
        path, name="home_days", task=Task.REGRESSION, source=source, estimator=ridge, gate=Gate(metric="mae")
    )


def band_spec(path: Path) -> ModelSpec:
    """Describe the multiclass model of that table."""
    source = TableSource(path=str(path), label="band", entity="home_id", time="listed_at")
    return home_spec(path, name="home_band", task=Task.MULTICLASS, source=source, gate=Gate())
