"""``/v1/leads/{lead}/…``: what the desk asks about one lead."""

from __future__ import annotations

from starlette.routing import Route

from serving.leads import churn, matches, review, score
from serving.openapi_parts import Document

TYPES = (*score.TYPES, *churn.TYPES, *matches.TYPES, *review.TYPES)
"""Of requests and answers, for the OpenAPI document."""
ROUTES = (
    Route("/v1/leads/{lead}/score", score.show_score),
    Route("/v1/leads/{lead}/matches", matches.show_matches),
    Route("/v1/leads/{lead}/review", review.show_review),
    *churn.ROUTES,
)


def paths() -> Document:
    """Return the descriptions of the routes."""
    return {**score.paths(), **churn.paths(), **matches.paths(), **review.paths()}
