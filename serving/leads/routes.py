"""``/v1/leads/{lead}/…``: what the desk asks about one lead."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estate.services.lead_scoring import service as lead_scoring
from estate.services.lead_scoring.schema import LeadScore
from serving.leads import churn
from serving.leads.asking import LEAD, answers_about, lead_of
from serving.openapi_parts import Document, get

TYPES = (LeadScore, *churn.TYPES)
"""Of answers, for the OpenAPI document."""
_ERRORS = (404, 422, 503)


async def score(request: Request) -> Response:
    """Say how a lead stands: six dimensions, an overall score with its band, reasons, confidence."""
    lead_id = lead_of(request)
    answers = await answers_about(request, lead_scoring.MODELS, lead_id, explain=(lead_scoring.MAIN,))
    return _json(lead_scoring.assess(lead_id, answers))


ROUTES = (Route("/v1/leads/{lead}/score", score), *churn.ROUTES)


def paths() -> Document:
    """Return the descriptions of the routes."""
    return {
        "/v1/leads/{lead}/score": {
            "get": get(
                "A lead's score: dimensions, band, interval, reasons, confidence",
                "LeadScore",
                parameters=[LEAD],
                errors=_ERRORS,
            )
        },
        **churn.paths(),
    }


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
