"""Counts and times what a predictor answers."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from serving.predictors.signed import SignedScores, sign

Observe = Callable[[SignedScores, float], None]
"""Told of every answer and the seconds that it took."""


class Measured:
    """Tells an observer of every answer.

    Parameters
    ----------
    inner : Predictor
    observe : callable
    """

    def __init__(self, inner: Predictor, observe: Observe) -> None:
        self.inner = inner
        self._observe = observe

    @property
    def version(self) -> str:
        """Version of the inner predictor."""
        return self.inner.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers inside."""
        return self.inner.answered_by

    def predict_many(self, features: Frame) -> SignedScores:
        """Score every row."""
        started = perf_counter()
        scores = sign(self.inner.predict_many(features), self.inner)
        self._observe(scores, perf_counter() - started)
        return scores
