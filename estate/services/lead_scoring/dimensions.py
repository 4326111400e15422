"""The six questions that a lead is scored by, each with its label, and the models of four of them.

Conversion has the model of :mod:`.model`; the risk of churn is what the service `churn` says.

=====================  =================================================================================
intent                 the lead tours a home within 21 days
timing                 the lead converts within 21 days: soon rather than some day
budget_qualification   the desk finds within 21 days that the lead can pay for what it looks for
conversion             the lead converts within 60 days
churn_risk             the lead is lost within 30 days
engagement_readiness   the lead replies within 7 days
=====================  =================================================================================

Where no outcome `qualified` is ever recorded, no version of `lead_qualification` can be trained: its rules
answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from estate.core.frame import Frame, Numbers
from estate.core.model_spec import CrmSource, Gate, ModelSpec, Schedule, Task
from estate.core.outcomes import QUALIFIED
from estate.services.lead_scoring import rules
from estate.services.lead_scoring.model import FEATURES, SPEC

DimensionName = Literal[
    "intent", "timing", "budget_qualification", "conversion", "churn_risk", "engagement_readiness"
]


@dataclass(frozen=True)
class Dimension:
    """One of the questions.

    Parameters
    ----------
    name : str
    model : str
        That answers it.
    means : str
        What its score is the chance of.
    """

    name: DimensionName
    model: str
    means: str


DIMENSIONS = (
    Dimension("intent", "lead_intent", "tours a home within 21 days"),
    Dimension("timing", "lead_timing", "converts within 21 days"),
    Dimension("budget_qualification", "lead_qualification", "is found able to pay within 21 days"),
    Dimension("conversion", SPEC.name, "converts within 60 days"),
    Dimension("churn_risk", "churn", "is lost within 30 days"),
    Dimension("engagement_readiness", "lead_readiness", "replies within 7 days"),
)


def estimator(seed: int) -> Any:
    """Return boosted trees of few splits: small data, and scores that move smoothly."""
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=150,
        max_depth=2,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.6,
        min_child_weight=10,
        reg_lambda=5.0,
        n_jobs=1,  # small data: more threads would wait for each other
        random_state=seed,
    )


def _spec(
    name: str, purpose: str, source: CrmSource, answer: Callable[[Frame], Numbers], *, minute: int
) -> ModelSpec:
    return ModelSpec(
        name=name,
        purpose=purpose,
        task=Task.BINARY,
        source=source,
        features=FEATURES,
        estimator=estimator,
        rules=answer,
        # a thousand rows of a chance near one half alone stray by 0.04 +- 0.01
        gate=Gate(metric="log_loss", calibration_error=0.07, holdout_most=1000, slices=("lead_source",)),
        schedule=Schedule(cron=f"{minute} 5 * * 1", timezone="America/New_York"),
    )


INTENT = _spec(
    "lead_intent",
    "The chance that a lead tours a home within 21 days: who means it.",
    CrmSource(outcome="tour", among="interactions", horizon_days=21, age_days=7),
    rules.intent_by_looking,
    minute=10,
)
TIMING = _spec(
    "lead_timing",
    "The chance that a lead converts within 21 days: who is about to decide.",
    CrmSource(outcome="converted", horizon_days=21, age_days=7),
    rules.timing_by_plan,
    minute=15,
)
QUALIFICATION = _spec(
    "lead_qualification",
    "The chance that the desk finds within 21 days that a lead can pay for what it looks for.",
    CrmSource(outcome=QUALIFIED, horizon_days=21, age_days=7),
    rules.qualification_by_budget,
    minute=20,
)
READINESS = _spec(
    "lead_readiness",
    "The chance that a lead replies within 7 days: who can be reached.",
    CrmSource(outcome="reply", among="interactions", horizon_days=7, age_days=7),
    rules.readiness_by_replies,
    minute=25,
)
SPECS = (INTENT, TIMING, QUALIFICATION, READINESS)
