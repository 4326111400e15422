"""Which leads are about to leave: a soft vote of three estimators, calibrated."""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import CrmSource, Gate, ModelSpec, Schedule, Task
from estate.features import communication, engagement, preference, source
from estate.services.churn.levels import EDGES
from estate.services.churn.rules import churn_by_silence

AGE_DAYS, HORIZON_DAYS = 21, 30
"""A lead is judged at this age, or now if it is younger; and for so many days from then."""

FEATURES = FeatureSet(
    numbers=(
        engagement.silence_days,
        engagement.interactions_trend_log,
        engagement.interactions_count_log,
        engagement.visits_count_21d,
        engagement.replies_count_21d,
        engagement.calls_count_21d,
        engagement.tours_count_21d,
        engagement.listing_saves_count_21d,
        engagement.days_since_reply,
        communication.replied_share,
        communication.first_response_hours_log,
        communication.unanswered_count,
        preference.timeline_days_log,
        preference.is_timeline_known,
        preference.is_budget_known,
    ),
    categories=(source.lead_source, preference.financing),
)


def estimator(seed: int) -> Any:
    """Return RandomForest + GradientBoosting + LogisticRegression, voting with learned weights."""
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from estate.training.weighted_vote import WeightedVote

    def known(*steps: Any) -> Any:
        return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), *steps)

    forest = RandomForestClassifier(
        n_estimators=150, min_samples_leaf=25, max_features=0.5, random_state=seed
    )
    boosting = GradientBoostingClassifier(
        n_estimators=200, learning_rate=0.05, max_depth=2, subsample=0.7, random_state=seed
    )
    logistic = known(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000))
    return WeightedVote([("forest", known(forest)), ("boosting", known(boosting)), ("logistic", logistic)])


SPEC = ModelSpec(
    name="churn",
    purpose="The chance that an open lead is lost within 30 days, for the desk to decide whom to win back.",
    task=Task.BINARY,
    source=CrmSource(outcome="churned", horizon_days=HORIZON_DAYS, age_days=AGE_DAYS),
    features=FEATURES,
    estimator=estimator,
    rules=churn_by_silence,
    gate=Gate(metric="log_loss", calibration_error=0.06, slices=("lead_source",)),
    schedule=Schedule(cron="30 5 * * 1", timezone="America/New_York"),
    bands=EDGES,
)
