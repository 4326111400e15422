"""Trained models of homes as what answers, and tables with everything that a table may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from estate.bundles import Bundle
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import ModelSpec, TableSource
from estate.core.prediction import AnsweredBy
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from serving.answering import by_bundle
from serving.models import ServedModel
from serving.predictors import Checked
from tests.specs import home_spec, write_homes

AS_THEY_ARE = FeatureSet(numbers=("rooms", "price_usd"), categories=("area", "floor"))


def with_floors(path: Path) -> Path:
    """Add a category that is written as a number."""
    homes = pd.read_csv(path)
    homes["floor"] = np.arange(len(homes)) % 4
    homes.to_csv(path, index=False)
    return path


def plain_spec(path: Path) -> ModelSpec:
    """Describe a model whose features are columns as they are; ``?`` means not known."""
    spec = home_spec(path)
    assert isinstance(spec.source, TableSource)
    return replace(spec, features=AS_THEY_ARE, source=replace(spec.source, missing=("?",)))


def write_training(folder: Path) -> Path:
    """Write a table to train on."""
    return with_floors(write_homes(folder / "homes.csv", rows=600))


def serve(spec: ModelSpec, folder: Path, version: str = "1") -> ServedModel:
    """Train, bundle, open, and wrap as the loader does."""
    parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    bundle, _ = write_bundle(fit(spec, parts), parts, folder)
    bare = by_bundle(spec, bundle, version, AnsweredBy.MODEL)
    wrapped = replace(bare, predictor=Checked(bare.predictor))
    return ServedModel(spec, spec.features.fingerprint, wrapped, bare=bare)


def table(rows: int, *, seed: int = 0) -> pd.DataFrame:
    """Return rows with missing values, levels that nobody knows, and numbers beyond float32."""
    random = np.random.default_rng(seed)
    price = random.lognormal(12.5, 0.4, rows)
    price[random.random(rows) < 0.1] = np.nan
    price[:4] = 1e300, -1e39, np.inf, 1e-320
    area = random.choice(["north", "south", "west", "moon, far side", "?"], rows).astype(object)
    area[random.random(rows) < 0.1] = None
    return pd.DataFrame(
        {
            "home_id": [f"h{i}" for i in range(rows)],
            "rooms": random.integers(1, 7, rows),
            "price_usd": price,
            "area": area,
            "floor": random.integers(0, 6, rows),
            "note": ['says "yes"' if i % 7 else "a, b\nc" for i in range(rows)],
        }
    )


def with_texts(rows: pd.DataFrame, bad: Mapping[int, str]) -> pd.DataFrame:
    """Return rows whose prices are texts, some of them no numbers."""
    prices = [None if pd.isna(price) else str(price) for price in rows["price_usd"]]
    for row, text in bad.items():
        prices[row] = text
    return rows.assign(price_usd=pd.Series(prices, dtype=object))


def open_again(bundle: Path) -> ServedModel:
    """Open a bundle that :func:`serve` wrote, in another process."""
    spec = plain_spec(bundle.parent / "homes.csv")
    bare = by_bundle(spec, Bundle.open(bundle), "1", AnsweredBy.MODEL)
    wrapped = replace(bare, predictor=Checked(bare.predictor))
    return ServedModel(spec, spec.features.fingerprint, wrapped, bare=bare)
