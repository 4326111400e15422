"""A lead desk of one town: a table that the CRM exports every night, and a model of it.

The table is read as it is at the present that is pretended: a label is there once its horizon is over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from estate.core.clock import now
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, Policy, TableSource, Task
from estate.core.training_rules import TrainingRules

BEGIN = pd.Timestamp("2025-01-06", tz="UTC")
HORIZON_DAYS, A_DAY = 7, 60
SOURCES = ("portal", "web", "referral")
FILE = "LEADLOOP_TEST_TOWN"


@dataclass(frozen=True, kw_only=True)
class Town:
    """How the town is; a day counts from its beginning.

    Parameters
    ----------
    days : int
    event_day : int
        From when on something is otherwise.
    drift_days : int
        So long a drift takes; 0: none, 1: sudden.
    season : float
        How far budgets swing to each side every 56 days, in standard deviations.
    label_delay : int
        Further days from the event on until an outcome is written down.
    """

    days: int
    event_day: int
    drift_days: int = 0
    season: float = 0.0
    label_delay: int = 0


def write_town(path: Path, town: Town, *, seed: int = 5) -> None:
    """Write everything that will ever be known, with the moment at which each label is."""
    random = np.random.default_rng(seed)
    rows = town.days * A_DAY
    day = np.arange(rows) / A_DAY
    moved = np.clip((day - town.event_day) / max(town.drift_days, 1), 0.0, 1.0) * (town.drift_days > 0)
    swing = town.season * np.sin(2 * np.pi * day / 56)
    size = random.normal(0.0, 1.0, rows) + swing + 1.0 * moved
    visits = random.poisson(2.0, rows).astype(float)
    months = random.gamma(2.0, 3.0, rows)
    source = random.choice(SOURCES, rows, p=[0.5, 0.3, 0.2])
    # After the drift dear homes are no longer what sells.
    logit = -0.8 + (1.0 - 2.0 * moved) * size + 0.35 * (visits - 2.0) + 0.6 * (source == "referral")
    at = BEGIN + pd.to_timedelta(day, unit="D")
    late = np.where(day >= town.event_day, town.label_delay, 0)
    pd.DataFrame(
        {
            "lead_id": [f"l{i:06d}" for i in range(rows)],
            "came_at": at,
            "day": day,
            "budget_usd": np.maximum(300_000 + 80_000 * size, 20_000).round(-2),
            "visits": visits,
            "months": months.round(1),
            "source": source,
            "won": (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(int),
            "known_at": at + pd.to_timedelta(HORIZON_DAYS + late, unit="D"),
        }
    ).to_parquet(path)


def read_town(path: Path) -> pd.DataFrame:
    """Read the table as the export of the present night."""
    table = pd.read_parquet(path)
    known = table.pop("known_at") <= pd.Timestamp(now())
    table["won"] = table["won"].where(known)  # missing where nobody knows yet
    return table.drop(columns="day")


def estimator(seed: int) -> Any:
    """Return a logistic regression that reads missing numbers as their median."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=200))


SPEC = ModelSpec(
    name="town_sale",
    purpose="Whether a lead buys within a week.",
    task=Task.BINARY,
    source=TableSource(
        path=os.environ.get(FILE, "town.parquet"),
        label="won",
        entity="lead_id",
        time="came_at",
        horizon_days=HORIZON_DAYS,
        reader=read_town,
    ),
    features=FeatureSet(numbers=("budget_usd", "visits", "months"), categories=("source",)),
    estimator=estimator,
    gate=Gate(metric="log_loss", holdout_rows=200, holdout_most=840, holdout_uses=100),
    policy=Policy.PERSON,
    schedule=None,
    training=TrainingRules(new_labels=300),
)
