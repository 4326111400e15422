"""Will the price of the next half hour lie above its average of a day? The market of New South Wales.

A model file as anybody would write one; the platform loads it by ``LEADLOOP_MODELS``.

References
----------
Harries (1999), "SPLICE-2 comparative evaluation: electricity pricing"; the stream is known as Elec2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, Policy, TableSource, Task

if TYPE_CHECKING:
    import pandas as pd

FILE = "LEADLOOP_ELECTRICITY_FILE"
FIRST_DAY = "1996-05-07"
_NUMBERS = ("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")


def read_electricity(path: Path) -> pd.DataFrame:
    """Read the file; the rows are half hours without a gap, so their order says when they were."""
    import pandas as pd

    table = pd.read_csv(path)
    begin = pd.Timestamp(FIRST_DAY, tz="UTC")
    table["at"] = begin + pd.to_timedelta(30 * table.index.to_numpy(), unit="min")
    table["half_hour"] = table.index.map(str)
    return table


def estimator(seed: int) -> Any:
    """Return boosted trees."""
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=120,
        max_depth=5,
        learning_rate=0.1,
        subsample=0.8,
        min_child_weight=10,
        random_state=seed,
        n_jobs=1,
    )


SPEC = ModelSpec(
    name="price_above_average",
    purpose="Whether the price of a half hour lies above its moving average of a day.",
    task=Task.BINARY,
    source=TableSource(
        path=f"${{{FILE}}}", label="class", entity="half_hour", time="at", reader=read_electricity
    ),
    features=FeatureSet(numbers=_NUMBERS, categories=()),
    estimator=estimator,
    policy=Policy.PERSON,
    # The frozen rows are a week of a market that never stands still: few, new, and judged on often. A newer
    # version is let through unless it is shown to be worse by more than such a week can show.
    gate=Gate(metric="log_loss", margin=-0.03, calibration_error=0.25, holdout_most=336, holdout_rows=100),
    calibration_most=672,
    schedule=None,
)
