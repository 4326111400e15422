"""The answer where no model is: the named rules of a spec."""

from __future__ import annotations

import numpy as np

from estate.core.errors import SpecError
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec, Task
from estate.core.prediction import NO_VERSION, AnsweredBy, Scores


class RulesPredictor:
    """Scores a frame of features by a spec's rules.

    Parameters
    ----------
    spec : ModelSpec

    Raises
    ------
    SpecError
        If the spec has no rules.
    """

    def __init__(self, spec: ModelSpec) -> None:
        if spec.rules is None:
            raise SpecError(
                f"model `{spec.name}`", expected="rules", got="none", todo="Train and promote a version."
            )
        self._rules = spec.rules
        self._binary = spec.task is Task.BINARY

    @property
    def version(self) -> str:
        """Always ``"rules"``."""
        return NO_VERSION

    @property
    def answered_by(self) -> AnsweredBy:
        """Always the rules."""
        return AnsweredBy.RULES

    def predict_many(self, features: Frame) -> Scores:
        """Score every row; a probability is kept inside [0, 1]."""
        score = np.asarray(self._rules(features), dtype=np.float64)
        return Scores(np.clip(score, 0.0, 1.0) if self._binary else score)
