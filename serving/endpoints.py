"""What each route does."""

from __future__ import annotations

from typing import cast

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from estate.core.errors import SpecError
from serving.answer import answer
from serving.body import decode, read_body
from serving.docs_page import page
from serving.models import ServedModel
from serving.observed import ORIGIN
from serving.openapi import document
from serving.problems import Problem
from serving.process import Process
from serving.schema import Liveness, ModelList, PredictRequest, PredictResponse
from serving.status import readiness, status_of

_INLINE_BYTES = 16 * 1024  # a body up to this is answered at once: handing it to a thread would cost more


async def live(_request: Request) -> Response:
    """Say that the process runs."""
    return _json(Liveness())


async def ready(request: Request) -> Response:
    """Say whether requests should be sent here."""
    process = _process(request)
    follower = process.follower
    state = readiness(process.models.all(), looked=follower.looked, reachable=follower.reachable)
    return _json(state, 200 if state.ready else 503)


async def metrics(request: Request) -> Response:
    """Return all series for Prometheus."""
    return Response(_process(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def openapi(_request: Request) -> Response:
    """Return the OpenAPI document."""
    return _json(document())


async def docs(_request: Request) -> Response:
    """Return the OpenAPI document as a page to read."""
    return HTMLResponse(page(document()))


async def list_models(request: Request) -> Response:
    """Say what is served of every model."""
    process = _process(request)
    models = [status_of(served, process.rollouts.of(served.spec.name)) for served in process.models.all()]
    return _json(ModelList(models))


async def show_model(request: Request) -> Response:
    """Say what is served of one model, since when and by whose decision."""
    served = await _served(request)
    return _json(status_of(served, _process(request).rollouts.of(served.spec.name)))


async def predict(request: Request) -> Response:
    """Score rows or leads."""
    served = await _served(request)
    body = await read_body(request)
    if len(body) > _INLINE_BYTES:
        response = await run_in_threadpool(_decode_and_answer, _process(request), served, body)
    else:
        decoded = decode(body)
        if decoded.lead_ids is None:
            response = _answer(_process(request), served, decoded)
        else:
            response = await run_in_threadpool(_answer, _process(request), served, decoded)
    request.scope[ORIGIN] = (response.model, response.version, response.source)
    return _json(response)


def _decode_and_answer(process: Process, served: ServedModel, body: bytes) -> PredictResponse:
    return _answer(process, served, decode(body))


def _answer(process: Process, served: ServedModel, decoded: PredictRequest) -> PredictResponse:
    return answer(served, decoded, read_leads=process.crm.read_leads, keep=process.log.put)


async def _served(request: Request) -> ServedModel:
    name: str = request.path_params["model"]
    loader = _process(request).loader
    served = loader.models.known(name) or await run_in_threadpool(loader.find, name)
    if served is None:
        known = ", ".join(model.spec.name for model in loader.models.all())
        raise Problem(404, SpecError(f"model `{name[:80]}`", expected=f"one of {known}", got="no such name"))
    return served


def _process(request: Request) -> Process:
    return cast(Process, request.app.state.process)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
