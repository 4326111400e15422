"""Which calls of a campaign end in a sale: a file of the user's own, one row a call, in order of time.

The share of sales in this file goes from 3 % to over 50 % in two years, so the newest rows are worth most:
few rows are frozen and few calibrate, that both may be new. Left out of the features are the month and the
five indicators of the economy: each has one value for weeks, so to a model they are the calendar, and the
next month's value lies outside of what it has learned from. ``pdays`` has no value at all in the first
months; ``previous`` and ``poutcome`` say the same of a client.
"""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, Schedule, TableSource, Task
from estate.datasets.public.bank_marketing import read_bank_marketing
from estate.services.call_conversion.rules import conversion_by_history

FEATURES = FeatureSet(
    numbers=("age", "campaign", "previous"),
    categories=(
        "job",
        "marital",
        "education",
        "default",
        "housing",
        "loan",
        "contact",
        "day_of_week",
        "poutcome",
    ),
)


def estimator(seed: int) -> Any:
    """Return a regularised logistic regression: what it has learned goes on where trees would stand still."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=0.05, max_iter=1000, random_state=seed),
    )


SPEC = ModelSpec(
    name="call_conversion",
    purpose="The chance that a call of the campaign ends in a sale, to decide whom to call.",
    task=Task.BINARY,
    source=TableSource(
        path="${LEADLOOP_CALLS_FILE}",
        label="y",
        positive="yes",
        entity="call_id",
        time="called_at",
        reader=read_bank_marketing,
    ),
    features=FEATURES,
    estimator=estimator,
    rules=conversion_by_history,
    # The margin lets a newer version pass that is not shown to be worse: the frozen rows are of yesterday.
    gate=Gate(
        metric="log_loss", margin=-0.005, calibration_error=0.15, holdout_most=600, slices=("contact",)
    ),
    half_life_days=60,
    calibration_most=600,
    schedule=Schedule(cron="0 6 * * 1", timezone="America/New_York"),
)
