"""Wrappers around a predictor: each takes one or two and is one."""

from serving.predictors.breaker import Breaker, BreakerOpen, State
from serving.predictors.canary import Canary
from serving.predictors.cases import Cases
from serving.predictors.checked import Checked
from serving.predictors.fallback import Fallback
from serving.predictors.measured import Measured
from serving.predictors.shadow import Shadow
from serving.predictors.share import Share
from serving.predictors.signed import MixedScores, SignedScores, join_scores, sign

__all__ = [
    "Breaker",
    "BreakerOpen",
    "Canary",
    "Cases",
    "Checked",
    "Fallback",
    "Measured",
    "MixedScores",
    "Shadow",
    "Share",
    "SignedScores",
    "State",
    "join_scores",
    "sign",
]
