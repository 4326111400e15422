"""A new version answers a share of the cases; the present one answers the rest, and wherever it fails."""

from __future__ import annotations

import logging
from time import perf_counter

import numpy as np

from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from serving.predictors.share import Share
from serving.predictors.signed import MixedScores, SignedScores, sign
from serving.tally import SideTally, Tally

logger = logging.getLogger(__name__)


class Canary:
    """Asks the candidate for its share of the rows.

    Parameters
    ----------
    stable, candidate : Predictor
    share : Share
    tally : Tally
        Told of everything; once it says stop, the candidate is not asked any more.
    """

    def __init__(self, stable: Predictor, candidate: Predictor, *, share: Share, tally: Tally) -> None:
        self.stable, self.candidate = stable, candidate
        self._share, self._tally = share, tally

    @property
    def version(self) -> str:
        """Version of the present one; an answer is signed by whoever gave it."""
        return self.stable.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers most cases."""
        return self.stable.answered_by

    def predict_many(self, features: Frame) -> SignedScores:
        """Score every row; what the candidate fails on is scored by the present version.

        Raises
        ------
        Exception
            Whatever the present version raises.
        """
        if self._tally.stopped:
            return sign(self.stable.predict_many(features), self.stable)
        new = self._share.of(features)
        if not new.any():
            return timed(self.stable, features, self._tally.stable)
        try:
            answered = timed(self.candidate, features.take(new), self._tally.candidate)
        except Exception as error:  # whatever a new version raises, the caller gets an answer
            scores = sign(self.stable.predict_many(features), self.stable)
            self._tally.failed(int(new.sum()))  # not before: rows that nobody can score are not its fault
            logger.warning("candidate_failed version=%s error=%s", self.candidate.version, error_name(error))
            return scores
        rest = features.take(~new)
        present = timed(self.stable, rest, self._tally.stable) if len(rest) else _nothing(self.stable)
        return MixedScores.of(present, answered, new)


def timed(predictor: Predictor, features: Frame, tally: SideTally) -> SignedScores:
    """Score rows and count them."""
    began = perf_counter()
    scores = sign(predictor.predict_many(features), predictor)
    tally.scored(scores.score, perf_counter() - began)
    return scores


def error_name(error: Exception) -> str:
    """Return the kind of an error: its text could hold values of a case."""
    return type(error).__name__


def _nothing(predictor: Predictor) -> SignedScores:
    return SignedScores(np.empty(0), version=predictor.version, answered_by=predictor.answered_by)
