"""From scores to what an answer says of them."""

from __future__ import annotations

from collections.abc import Sequence

from estate.core.clock import now
from estate.features.live import LeadFeatures
from serving.answering import Answering
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows
from serving.predictors import MixedScores
from serving.qualities import Find, nobody, qualities_of
from serving.schema import Answer, PredictResponse, Source


def answers_of(
    served: ServedModel, answering: Answering, answered: AnsweredRows, find: Find = nobody
) -> list[Answer]:
    """Return the answer of each row, with its band and interval where the bundle knows them.

    Parameters
    ----------
    find : callable
        Asked for the version that a canary tries.
    """
    scores = answered.scores
    answers = list(map(Answer, answered.ids, scores.score.tolist(), answered.entities, scores.labels()))
    said = qualities_of(scores, answering, served.spec, find)
    if said.bands is not None:
        for answer, band in zip(answers, said.bands, strict=True):
            answer.band = band
    if said.intervals is not None:
        for answer, interval in zip(answers, said.intervals, strict=True):
            answer.interval = interval
    if said.plausible_labels is not None:
        for answer, labels in zip(answers, said.plausible_labels, strict=True):
            answer.plausible_labels = labels
    return _with_origins(answers, scores) if isinstance(scores, MixedScores) else answers


def add_leads(answers: Sequence[Answer], leads: LeadFeatures) -> None:
    """Add what is known of the leads' data to their answers."""
    moment = now()
    for answer, known_until, cache in zip(answers, leads.known_until, leads.cache, strict=True):
        answer.data_age_seconds = round((moment - known_until).total_seconds(), 3)
        answer.cache = cache


def response_of(
    answered: AnsweredRows, answers: list[Answer], leads: LeadFeatures | None = None
) -> PredictResponse:
    """Return the answer to a request; one about leads says as of when they were read."""
    scores = answered.scores
    response = PredictResponse(answered.model, scores.version, scores.answered_by.value, answers)
    if leads is not None:
        response.missing, response.as_of = list(leads.missing), min(leads.as_of)
    return response


def _with_origins(answers: Sequence[Answer], scores: MixedScores) -> list[Answer]:
    """Name the version where it is not the response's own, and the source where that differs too."""
    version, answered_by = scores.new_origin
    source: Source | None = answered_by.value if answered_by is not scores.answered_by else None
    for answer, new in zip(answers, scores.new.tolist(), strict=True):
        if new:
            answer.version, answer.source = version, source
    return list(answers)
