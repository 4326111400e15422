"""What a lead will do about a home: look at it, save it, tour it; three calibrated probabilities."""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, PairSource, Schedule, Task
from estate.features.homes import fit
from estate.services.property_matching.rules import (
    choice_by_closeness,
    save_by_closeness,
    tour_by_closeness,
)

OTHERS = 10
"""Homes for sale beside each look, that the lead did not open then."""

FEATURES = FeatureSet(
    numbers=(
        fit.price_to_budget_log,
        fit.price_to_looked_log,
        fit.bedrooms_to_wanted_difference,
        fit.bedrooms_to_looked_difference,
        fit.living_area_to_looked_log,
        fit.space_to_looked_log,
        fit.sqft_per_bedroom,
        fit.price_per_sqft_usd,
        fit.is_lead_area,
        fit.area_looks_share,
        fit.kind_looks_share,
        "home_days_listed",
        "home_looks_count_14d",
        "looks_count",
        "looked_weight",
        "looked_price_spread",
        "same_home_views_count",
        "same_home_saves_count",
        "same_home_tours_count",
        "nearest_look_distance",
    ),
    categories=("home_kind",),
)


def estimator(seed: int) -> Any:
    """Return boosted trees that read missing values as they are."""
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=250,
        max_depth=4,
        learning_rate=0.06,
        subsample=0.8,
        colsample_bytree=0.7,
        min_child_weight=20,
        reg_lambda=5.0,
        n_jobs=1,
        random_state=seed,
    )


def small_estimator(seed: int) -> Any:
    """Return a vote of few, shallow trees and a sparse line, for labels that are rare."""
    from estate.training.lines import sparse_line
    from estate.training.weighted_vote import WeightedVote

    trees = estimator(seed).set_params(n_estimators=150, max_depth=3)
    return WeightedVote([("trees", trees), ("line", sparse_line(seed))])


CHOICE = ModelSpec(
    name="home_choice",
    purpose=f"The chance that a lead looks at a home rather than at {OTHERS} others for sale: ranks homes.",
    task=Task.BINARY,
    source=PairSource(outcome="listing_view", horizon_days=0, others=OTHERS),
    features=FEATURES,
    estimator=estimator,
    rules=choice_by_closeness,
    gate=Gate(metric="log_loss", calibration_error=0.05, slices=("home_kind",)),
    schedule=Schedule(cron="0 4 * * 1", timezone="America/New_York"),
)
INTEREST = ModelSpec(
    name="home_interest",
    purpose="The chance that a lead saves a home within 14 days of looking at it.",
    task=Task.BINARY,
    source=PairSource(outcome="listing_save", horizon_days=14),
    features=FEATURES,
    estimator=small_estimator,
    rules=save_by_closeness,
    gate=Gate(metric="log_loss", calibration_error=0.05, slices=("home_kind",)),
    schedule=Schedule(cron="15 4 * * 1", timezone="America/New_York"),
)
VIEWING = ModelSpec(
    name="home_viewing",
    purpose="The chance that a lead tours a home within 21 days of looking at it.",
    task=Task.BINARY,
    source=PairSource(outcome="tour", horizon_days=21),
    features=FEATURES,
    estimator=small_estimator,
    rules=tour_by_closeness,
    gate=Gate(metric="log_loss", calibration_error=0.05, slices=("home_kind",)),
    schedule=Schedule(cron="30 4 * * 1", timezone="America/New_York"),
)
SPECS = (CHOICE, INTEREST, VIEWING)
