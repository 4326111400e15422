"""Which leads will convert: a calibrated probability at the end of a lead's first week."""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import CrmSource, Gate, ModelSpec, Schedule, Task
from estate.features import communication, engagement, market, preference, source, timing
from estate.services.lead_scoring.rules import conversion_by_engagement

FEATURES = FeatureSet(
    numbers=(
        engagement.visits_count_7d,
        engagement.email_opens_count_7d,
        engagement.email_clicks_count_7d,
        engagement.replies_count_7d,
        engagement.calls_count_7d,
        engagement.tours_count_7d,
        engagement.listing_views_count_7d,
        engagement.listing_saves_count_7d,
        engagement.interactions_count_7d,
        engagement.active_days_count_7d,
        engagement.call_seconds_sum_7d,
        engagement.days_since_interaction,
        engagement.days_since_reply,
        communication.messages_in_count_7d,
        communication.messages_out_count_7d,
        communication.message_length_mean_21d,
        communication.first_response_hours,
        communication.response_hours_mean,
        communication.unanswered_count,
        timing.lead_age_days,
        preference.budget_usd,
        preference.bedrooms_wanted,
        preference.timeline_days,
        preference.is_budget_known,
        preference.budget_to_area_price,
        preference.viewed_price_mean_usd,
        preference.budget_to_viewed_price,
        market.market_index,
        market.market_index_change_90d,
    ),
    categories=(source.lead_source, preference.financing),
)


def estimator(seed: int) -> Any:
    """Return a vote of boosted steps, boosted trees and a sparse line, weighted by what each earns.

    Steps and the line see each column alone, the line with a logarithm and a bend; trees see what goes
    together. Networks of neurons and models of the event sequence were tried beside them and earned no place
    (``python -m benchmarks members``).
    """
    from xgboost import XGBClassifier

    from estate.training.lines import sparse_line
    from estate.training.weighted_vote import WeightedVote

    def boosted(**size: Any) -> Any:
        return XGBClassifier(
            **size,
            subsample=0.8,
            colsample_bytree=0.5,
            min_child_weight=10,
            reg_lambda=5.0,
            n_jobs=1,  # small data: more threads would wait for each other
            random_state=seed,
        )

    return WeightedVote(
        [
            ("steps", boosted(n_estimators=600, max_depth=1, learning_rate=0.08)),
            ("trees", boosted(n_estimators=300, max_depth=2, learning_rate=0.05)),
            ("line", sparse_line(seed)),
        ]
    )


SPEC = ModelSpec(
    name="lead_conversion",
    purpose="The chance that a lead converts within 60 days: whom the sales desk should call first.",
    task=Task.BINARY,
    source=CrmSource(outcome="converted", horizon_days=60, age_days=7),
    features=FEATURES,
    estimator=estimator,
    rules=conversion_by_engagement,
    gate=Gate(metric="log_loss", calibration_error=0.05, holdout_most=1000, slices=("lead_source",)),
    refit=True,
    schedule=Schedule(cron="0 5 * * 1", timezone="America/New_York"),
)
