"""``GET /v1/leads/{lead}/score``: how a lead stands."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from estate.core.errors import LeadloopError, SettingsError, StoreError
from estate.core.feature_set import FeatureSet
from estate.core.lead_answer import LeadAnswer
from estate.features.timing import lead_age_days
from estate.services.lead_scoring import service
from estate.services.lead_scoring.schema import LeadScore
from serving.leads.asking import LEAD, answers_about, facts_about, lead_of
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
    return await score_by(request, lead_id, await answers_for(request, lead_id))


async def answers_for(request: Request, lead_id: str) -> Mapping[str, LeadAnswer | LeadloopError]:
    """Return what each model says that a score is made of; raises Problem 404 if the lead is not known."""
    return await answers_about(request, service.MODELS, lead_id, explain=(service.MAIN,))


async def score_by(
    request: Request, lead_id: str, answers: Mapping[str, LeadAnswer | LeadloopError]
) -> LeadScore:
    """Return the score that answers make; raises LeadloopError if its chance to convert can't be told."""
    return service.assess(lead_id, answers, age_days=await _age_days(request, lead_id))


async def _age_days(request: Request, lead_id: str) -> float | None:
    """Return how old a lead is; None while the database is away."""
    try:
        found = await facts_about(request, _AGE, lead_id)
    except (StoreError, SettingsError):
        return None
    return float(found["lead_age_days"] or 0.0)


def paths() -> Document:
    """Return the description of the route."""
    summary = "A lead's score: dimensions, band, interval, reasons, confidence"
    described = get(summary, "LeadScore", parameters=[LEAD], errors=(404, 422, 503))
    return {"/v1/leads/{lead}/score": {"get": described}}
