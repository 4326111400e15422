"""Which calls of a campaign end in a sale: a file of the user's own, one row a call, in order of time."""

from __future__ import annotations

from typing import Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.datasets.public.bank_marketing import read_bank_marketing
from estate.services.call_conversion.rules import conversion_by_history

FEATURES = FeatureSet(
    numbers=(
        "age",
        "campaign",
        "pdays",
        "previous",
        "emp_var_rate",
        "cons_price_idx",
        "cons_conf_idx",
        "euribor3m",
        "nr_employed",
    ),
    categories=(
        "job",
        "marital",
        "education",
        "default",
        "housing",
        "loan",
        "contact",
        "month",
        "day_of_week",
        "poutcome",
    ),
)


def estimator(seed: int) -> Any:
    """Return shallow, strongly regularised trees: the campaign's months differ more than its clients."""
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=150,
        max_depth=3,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.5,
        min_child_weight=10,
        reg_lambda=10.0,
        n_jobs=1,  # small data: more threads would wait for each other
        random_state=seed,
    )


SPEC = ModelSpec(
    name="call_conversion",
    purpose="The chance that a call of the campaign ends in a sale, to decide whom to call.",
    task=Task.BINARY,
    source=TableSource(
        path="${LEADLOOP_CALLS_FILE}", label="y", positive="yes", time="called_at", reader=read_bank_marketing
    ),
    features=FEATURES,
    estimator=estimator,
    rules=conversion_by_history,
    gate=Gate(metric="log_loss", calibration_error=0.15, holdout_most=1000, slices=("contact",)),
    half_life_days=60,
)
