"""From scores to what an answer says of them."""

from __future__ import annotations

from collections.abc import Sequence

from serving.answering import Answering
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows
from serving.predictors import MixedScores
from serving.schema import Answer, PredictResponse


def answers_of(served: ServedModel, answering: Answering, answered: AnsweredRows) -> list[Answer]:
    """Return the answer of each row."""
    scores = answered.scores
    answers = list(map(Answer, answered.ids, scores.score.tolist(), answered.entities, scores.labels()))
    return _with_origins(answers, scores) if isinstance(scores, MixedScores) else answers


def response_of(
    answered: AnsweredRows, answers: list[Answer], missing: Sequence[str] = ()
) -> PredictResponse:
    """Return the answer to a request."""
    scores = answered.scores
    return PredictResponse(
        answered.model, scores.version, scores.answered_by.value, answers, list(missing)
    )


def _with_origins(answers: Sequence[Answer], scores: MixedScores) -> list[Answer]:
    """Name the version where it is not the response's own, and the source where that differs too."""
    version, answered_by = scores.new_origin
    source = answered_by.value if answered_by is not scores.answered_by else None
    for answer, new in zip(answers, scores.new.tolist(), strict=True):
        if new:
            answer.version, answer.source = version, source
    return list(answers)
