"""Ask for a training over HTTP, and see what became of it; the governor decides when it is trained."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from estate.core.errors import DataError, StoreError
from estate.store import training_requests
from estate.store.database import Database
from serving.body import decode_as, read_body
from serving.called import process_of, served_model
from serving.openapi_parts import MODEL, Document, body, get, problems, ref
from serving.problems import Problem
from serving.schema import Training, TrainingList

_MOST_BYTES = 16 * 1024
_SHOWN = 20
_EXAMPLE = {"why": "the CRM was cleaned", "key": "cleaned-2026-11"}
_REFUSED = (400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504)
_AWAY = StoreError("training requests", expected="an answer of the database", got="none", todo="Try again.")


class TrainingWish(msgspec.Struct, frozen=True):
    """Why a training is asked for; the same ``key`` twice is one request."""

    why: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


_decoder = msgspec.json.Decoder(TrainingWish)


async def ask_for_training(request: Request) -> Response:
    """Keep a request for a training of a model."""
    process, served = process_of(request), await served_model(request)
    wish = decode_as(_decoder, await read_body(request, _MOST_BYTES), "`why`, and perhaps a `key`")
    for name, text in (("why", wish.why), ("key", wish.key or "")):
        if not text.isprintable():
            raise Problem(422, DataError(name, expected="one line of text", got="control characters"))
    made = await run_in_threadpool(_ask, process.crm.database, served.spec.name, wish)
    return Response(msgspec.json.encode(made), 202, media_type="application/json")


async def show_trainings(request: Request) -> Response:
    """Show the latest requests for a training of a model."""
    process, served = process_of(request), await served_model(request)
    found = await run_in_threadpool(_list, process.crm.database, served.spec.name)
    return Response(msgspec.json.encode(TrainingList(found)), media_type="application/json")


def paths() -> Document:
    """Return the descriptions of the two routes."""
    asked = {
        "summary": "Ask for a training",
        "description": "Needs a key of role admin where keys are used. The governor decides when it is "
        "trained: `state` and `reason` say how it stands. The same `key` twice is one request.",
        "parameters": [MODEL],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("TrainingWish"), "example": _EXAMPLE}},
        },
        "responses": {
            "202": body("Training"),
            **problems(_REFUSED),
        },
    }
    shown = get("The latest training requests", "TrainingList", parameters=[MODEL], errors=(404, 503))
    return {"/v1/trainings/{model}": {"post": asked, "get": shown}}


def _ask(database: Database, model: str, wish: TrainingWish) -> Training:
    key = f"api:{model}:{wish.key}" if wish.key is not None else None
    try:
        with database.begin() as connection:
            return _shown(
                training_requests.request_training(
                    connection, model, cause="api", detail=wish.why, dedupe_key=key
                )
            )
    except StoreError as error:
        raise Problem(503, _AWAY, {"retry-after": "5"}) from error


def _list(database: Database, model: str) -> list[Training]:
    try:
        with database.begin() as connection:
            return [_shown(one) for one in training_requests.list_requests(connection, model, limit=_SHOWN)]
    except StoreError as error:
        raise Problem(503, _AWAY, {"retry-after": "5"}) from error


def _shown(request: training_requests.Request) -> Training:
    return Training(
        id=request.request_id,
        model=request.model,
        cause=request.cause,
        state=request.state,
        reason=request.reason,
        asked_at=request.requested_at,
    )
