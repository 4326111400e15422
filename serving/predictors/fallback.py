"""Another predictor answers where the first one can't."""

from __future__ import annotations

import logging
from collections.abc import Callable

from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from serving.predictors.signed import SignedScores, sign

logger = logging.getLogger(__name__)


class Fallback:
    """Asks the predictor behind when the first one raises.

    Parameters
    ----------
    first, behind : Predictor
    on_failure : callable, optional
        Called once for each time that the first one failed.
    """

    def __init__(
        self, first: Predictor, behind: Predictor, *, on_failure: Callable[[], None] | None = None
    ) -> None:
        self.first = first
        self.behind = behind
        self._on_failure = on_failure

    @property
    def version(self) -> str:
        """Version of the first predictor; an answer is signed by whoever gave it."""
        return self.first.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers as long as the first predictor does."""
        return self.first.answered_by

    def predict_many(self, features: Frame) -> SignedScores:
        """Score every row, all by the same predictor.

        Raises
        ------
        DataError
            If the predictor behind can't score these rows either.
        """
        try:
            return sign(self.first.predict_many(features), self.first)
        except Exception as error:  # whatever the model's runtime raises, the caller gets an answer
            logger.error("model_failed version=%s error=%s", self.first.version, type(error).__name__)
            if self._on_failure is not None:
                self._on_failure()
        return sign(self.behind.predict_many(features), self.behind)
