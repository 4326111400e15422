"""Scores that say who gave them.

A wrapper's ``version`` is what it would answer with now; by the time an answer is read another version may
have taken over. So the answer carries its origin itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from estate.core.prediction import NO_VERSION, AnsweredBy, Scores
from estate.core.predictor import Predictor


@dataclass(frozen=True)
class SignedScores(Scores):
    """Scores with their origin.

    Parameters
    ----------
    version : str
        Registered version, or ``"rules"``.
    answered_by : AnsweredBy
    """

    version: str = NO_VERSION
    answered_by: AnsweredBy = AnsweredBy.RULES


def sign(scores: Scores, predictor: Predictor) -> SignedScores:
    """Return the scores with their origin; scores that were signed deeper inside keep theirs."""
    if isinstance(scores, SignedScores):
        return scores
    return SignedScores(
        scores.score, scores.probabilities, scores.classes, predictor.version, predictor.answered_by
    )
