"""The OpenAPI document, made from the types that the routes really use."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

import msgspec

from serving import schema, trainings
from serving.intake import routes as intake
from serving.leads import matches
from serving.openapi_parts import ERRORS, MODEL, Document, body, get, openly, problems, ref, text
from serving.protocols import openapi as protocols

_PREDICTION = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same, otherwise."},
}
_SECURITY: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"apiKey": []}]
"""None is needed while no key was made."""
_EXAMPLE = {"rows": [{"lead_id": "lead-17", "visits_count_7d": 3, "lead_source": "portal"}]}


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
        schema.Training,
        schema.TrainingList,
        trainings.TrainingWish,
        *matches.TYPES,
        *intake.TYPES,
        *protocols.TYPES,
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
            "get": get(
                "A prediction as it was kept, and scored again",
                "KeptPrediction",
                parameters=[_PREDICTION],
                errors=(404, 422, 503),
            )
        },
        "/v1/models/{model}": {
            "get": get("What is served of one model", "ModelStatus", parameters=[MODEL], errors=(404,))
        },
        "/v1/models": {"get": get("What is served of every model", "ModelList")},
        "/health/live": {"get": openly(get("The process runs", "Liveness"))},
        "/health/ready": {"get": _ready()},
        "/metrics": {"get": text("All series in the Prometheus text form", "text/plain")},
        "/docs": {"get": text("This document as a page", "text/html")},
        "/openapi.json": {"get": text("This document", "application/json")},
        **trainings.paths(),
        **matches.paths(),
        **intake.paths(),
        **protocols.paths(),
    }


def _predict() -> Document:
    answer = body("PredictResponse")
    answer["content"] |= protocols.TABLES
    return {
        "summary": "Score rows, leads or a table",
        "description": "Send `rows` with the columns that `GET /v1/models/{model}` lists, or `lead_ids`. "
        "`source` says who answered: `model`, `last_good` (from disk), or `rules`. An answer that a version "
        "gave which is being rolled out names that `version` itself. A table as an Arrow stream or Parquet "
        "is answered as one: id, score, label, version, source and entity of each row.",
        "parameters": [MODEL],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": ref("PredictRequest"), "example": _EXAMPLE},
                **protocols.TABLES,
            },
        },
        "responses": {"200": answer, **problems(tuple(ERRORS))},
    }


def _ready() -> Document:
    described = openly(get("Requests should be sent here (200) or not (503)", "Readiness"))
    described["responses"]["503"] = body("Readiness")
    return described
