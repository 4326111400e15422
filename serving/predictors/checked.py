"""Refuses to give a score that is none."""

from __future__ import annotations

import numpy as np

from estate.core.errors import DataError, LeadloopError
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from serving.predictors.signed import SignedScores, sign


class Checked:
    """Turns whatever a predictor raises, and scores that are not finite, into an error of the rows.

    Its golden scores or its rules' code show that the predictor works: what it can't score are these rows.

    Parameters
    ----------
    inner : Predictor
    """

    def __init__(self, inner: Predictor) -> None:
        self.inner = inner

    @property
    def version(self) -> str:
        """Version of the inner predictor."""
        return self.inner.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers inside."""
        return self.inner.answered_by

    def predict_many(self, features: Frame) -> SignedScores:
        """Score every row.

        Raises
        ------
        DataError
            If a row can't be scored; names the first one where that is known.
        """
        try:
            with np.errstate(all="ignore"):
                scores = sign(self.inner.predict_many(features), self.inner)
        except LeadloopError:
            raise
        except Exception as error:  # rules of the user's own, or a model's runtime, may raise anything
            raise DataError(
                f"features of {len(features)} rows",
                expected=f"values that `{self.inner.version}` can score",
                got=type(error).__name__,
            ) from error
        odd = ~np.isfinite(scores.score)
        if odd.any():
            row = int(odd.argmax())
            raise DataError(f"score of row {row}", expected="a finite number", got=str(scores.score[row]))
        return scores
