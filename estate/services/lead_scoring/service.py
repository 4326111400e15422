"""From the answers of the models to the score of a lead; knows neither models nor HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from estate.core.errors import LeadloopError
from estate.core.lead_answer import LeadAnswer
from estate.services.lead_scoring.confidence import confidence_of
from estate.services.lead_scoring.dimensions import DIMENSIONS, Dimension
from estate.services.lead_scoring.model import SPEC
from estate.services.lead_scoring.schema import BandMeaning, DimensionScore, LeadScore

MODELS = tuple(dimension.model for dimension in DIMENSIONS)
"""That are asked about a lead."""
DAYS = 67.0
"""Age at which the 60 days are over that the main model speaks of."""
MAIN = SPEC.name
"""Whose answer is the overall score, and whose reasons are told."""


def assess(
    lead: str, answers: Mapping[str, LeadAnswer | LeadloopError], *, age_days: float | None = None
) -> LeadScore:
    """Put the answers of :data:`MODELS` together.

    Parameters
    ----------
    lead : str
    answers : mapping of str to LeadAnswer or LeadloopError
        By model; an error where one could not answer.
    age_days : float, optional
        Of the lead, now; None where it is not known.

    Raises
    ------
    LeadloopError
        The main model's error: without a chance to convert there is no score. A part that is missing beside
        it is named in its dimension.
    """
    main = answers[MAIN]
    if isinstance(main, LeadloopError):
        raise main
    over = None if age_days is None else age_days > DAYS
    confidence = confidence_of(main, over=bool(over))
    return LeadScore(
        lead=lead,
        score=round(100.0 * (main.rank if main.rank is not None else main.score), 1),
        band=main.band,
        band_means=_meaning(main),
        probability=main.score,
        interval=main.interval,
        confidence=confidence.value,
        thin=confidence.thin,
        reasons_for=_said(main, "for"),
        reasons_against=_said(main, "against"),
        dimensions=[_dimension(dimension, answers[dimension.model]) for dimension in DIMENSIONS],
        horizon_over=over,
        source=main.answered_by.value,
        version=main.version,
        prediction=main.prediction_id,
        as_of=main.as_of,
        known_until=main.known_until,
    )


def _dimension(dimension: Dimension, answer: LeadAnswer | LeadloopError) -> DimensionScore:
    asked = DimensionScore(name=dimension.name, means=dimension.means, model=dimension.model)
    if isinstance(answer, LeadloopError):
        return replace(asked, problem=str(answer))
    return replace(
        asked,
        score=answer.score,
        interval=answer.interval,
        source=answer.answered_by.value,
        version=answer.version,
    )


def _meaning(answer: LeadAnswer) -> BandMeaning | None:
    if answer.band_rate is None:
        return None
    share, low, high, rows = answer.band_rate
    return BandMeaning(
        of_100=round(100 * share, 1), low=round(100 * low, 1), high=round(100 * high, 1), leads=rows
    )


def _said(answer: LeadAnswer, direction: Literal["for", "against"]) -> list[str]:
    return [reason.text for reason in answer.reasons if reason.direction == direction]
