"""Wrappers around a predictor: each takes one and is one."""

from serving.predictors.checked import Checked
from serving.predictors.fallback import Fallback
from serving.predictors.measured import Measured
from serving.predictors.signed import SignedScores, sign

__all__ = ["Checked", "Fallback", "Measured", "SignedScores", "sign"]
