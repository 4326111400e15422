"""The OpenAPI document, made from the types that the routes really use."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec

from serving import schema

_MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
_PREDICTION = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_ERRORS = {
    400: "The body is not JSON.",
    401: "There is no valid API key.",
    403: "The API key is of another role.",
    404: "There is no such model, or no such prediction.",
    408: "The body did not arrive in time.",
    413: "The body has too many bytes or rows, or more rows than the key's burst.",
    415: "The body's content type is not application/json.",
    422: "The body is JSON but can't be answered: `field` says where, `expected` and `got` what is wrong.",
    429: "More rows than the key's rate allows; try again after the seconds in Retry-After.",
    503: "Nothing can answer now; try again after the seconds in Retry-After.",
    504: "There was no answer in time.",
}
_GUARDED = (401, 403, 429, 504)
"""What any route may answer but those of health."""
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same, otherwise."},
}
_SECURITY: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"apiKey": []}]
"""None is needed while no key was made."""
_EXAMPLE = {"rows": [{"lead_id": "lead-17", "visits_count_7d": 3, "lead_source": "portal"}]}

Document = dict[str, Any]
"""An OpenAPI 3.1 document or a part of one: its shape is the standard's."""


@cache
def document() -> Document:
    """Return the document."""
    types = (
        schema.PredictRequest,
        schema.PredictResponse,
        schema.KeptPrediction,
        schema.ModelStatus,
        schema.ModelList,
        schema.Readiness,
        schema.Liveness,
        schema.ProblemDocument,
    )
    _, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Leadloop", "version": version("leadloop"), "description": "Scores for leads."},
        "paths": _paths(),
        "components": {"schemas": components, "securitySchemes": _KEYS},
        "security": _SECURITY,
    }


def _paths() -> Document:
    return {
        "/v1/models/{model}/predict": {"post": _predict()},
        "/v1/predictions/{id}": {
            "get": _get(
                "A prediction as it was kept, and scored again",
                "KeptPrediction",
                parameters=[_PREDICTION],
                errors=(404, 422, 503),
            )
        },
        "/v1/models/{model}": {
            "get": _get("What is served of one model", "ModelStatus", parameters=[_MODEL], errors=(404,))
        },
        "/v1/models": {"get": _get("What is served of every model", "ModelList")},
        "/health/live": {"get": _open(_get("The process runs", "Liveness"))},
        "/health/ready": {"get": _ready()},
        "/metrics": {"get": _text("All series in the Prometheus text form", "text/plain")},
        "/docs": {"get": _text("This document as a page", "text/html")},
        "/openapi.json": {"get": _text("This document", "application/json")},
    }


def _predict() -> Document:
    return {
        "summary": "Score rows or leads",
        "description": "Send `rows` with the columns that `GET /v1/models/{model}` lists, or `lead_ids`. "
        "`source` says who answered: `model`, `last_good` (from disk), or `rules`. An answer that a version "
        "gave which is being rolled out names that `version` itself.",
        "parameters": [_MODEL],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("PredictRequest"), "example": _EXAMPLE}},
        },
        "responses": {"200": _body("PredictResponse"), **_problems(tuple(_ERRORS))},
    }


def _ready() -> Document:
    described = _open(_get("Requests should be sent here (200) or not (503)", "Readiness"))
    described["responses"]["503"] = _body("Readiness")
    return described


def _get(
    summary: str, name: str, *, parameters: list[Document] | None = None, errors: tuple[int, ...] = ()
) -> Document:
    problems = _problems(tuple(sorted({*errors, *_GUARDED})))
    made: Document = {"summary": summary, "responses": {"200": _body(name), **problems}}
    return made | ({"parameters": parameters} if parameters else {})


def _text(summary: str, kind: str) -> Document:
    answer = {"description": summary, "content": {kind: {}}}
    return {"summary": summary, "responses": {"200": answer, **_problems(_GUARDED)}}


def _open(described: Document) -> Document:
    """Return the description of a route that asks nobody who they are."""
    refused = {str(status) for status in (401, 403, 429)}
    kept = {status: answer for status, answer in described["responses"].items() if status not in refused}
    return {**described, "security": [], "responses": kept}


def _body(name: str) -> Document:
    return {"description": name, "content": {"application/json": {"schema": _ref(name)}}}


def _problems(statuses: tuple[int, ...]) -> Document:
    content = {"application/problem+json": {"schema": _ref("ProblemDocument")}}
    return {str(status): {"description": _ERRORS[status], "content": content} for status in statuses}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}
