"""``GET /v1/leads/{lead}/score``: how a lead stands."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from estate.core.errors import LeadloopError
from estate.core.feature_set import FeatureSet
from estate.core.lead_answer import LeadAnswer
from estate.features.timing import lead_age_days
from estate.services.lead_scoring import service
from estate.services.lead_scoring.schema import LeadScore
from serving.leads.asking import LEAD, Facts, answers_about, facts_about, lead_of
from serving.openapi_parts import Document, get

TYPES = (LeadScore,)
_AGE = FeatureSet(numbers=(lead_age_days,))


async def show_score(request: Request) -> Response:
    """Say how a lead stands: six dimensions, an overall score with its band, reasons, confidence."""
    found = await score_of(request, lead_of(request))
    return Response(msgspec.json.encode(found), media_type="application/json")


async def score_of(request: Request, lead_id: str) -> LeadScore:
    """Return the score of a lead.

    Raises
    ------
    Problem
        404 if the lead is not known.
    LeadloopError
        If its chance to convert can't be told.
    """
    answers = await answers_for(request, lead_id)
    return score_by(lead_id, answers, await facts_about(request, _AGE, lead_id))


async def answers_for(request: Request, lead_id: str) -> Mapping[str, LeadAnswer | LeadloopError]:
    """Return what each model says that a score is made of; raises Problem 404 if the lead is not known."""
    return await answers_about(request, service.MODELS, lead_id, told=(service.MAIN,))


def score_by(
    lead_id: str, answers: Mapping[str, LeadAnswer | LeadloopError], facts: Facts | None
) -> LeadScore:
    """Return the score that answers make.

    Parameters
    ----------
    lead_id : str
    answers : mapping of str to LeadAnswer or LeadloopError
        By model.
    facts : mapping, optional
        With the lead's age; None while the database is away.

    Raises
    ------
    LeadloopError
        If its chance to convert can't be told.
    """
    age = None if facts is None else float(facts[_AGE.names[0]] or 0.0)
    return service.assess(lead_id, answers, age_days=age)


def paths() -> Document:
    """Return the description of the route."""
    summary = "A lead's score: dimensions, band, interval, reasons, confidence"
    described = get(summary, "LeadScore", parameters=[LEAD], errors=(404, 422, 503))
    return {"/v1/leads/{lead}/score": {"get": described}}
