"""What each route does."""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from estate.core.errors import StoreError
from estate.features.live import LeadFeatures
from serving.asking import about_leads, about_rows
from serving.body import decode, read_body
from serving.called import ask, process_of, served_model
from serving.docs_page import page
from serving.guard.guarded import charge
from serving.lanes import Question
from serving.openapi import document
from serving.prediction_log import AnsweredRows
from serving.problems import Problem
from serving.process import Process
from serving.replay import as_prediction_id, unknown_prediction
from serving.response import add_leads, answers_of, response_of
from serving.schema import Liveness, ModelList, PredictRequest, PredictResponse
from serving.status import readiness, status_of
from serving.terms import terms_of

_TABLES = "application/vnd.apache."
_INLINE_ROWS = 64
_INLINE_BYTES = 16 * 1024  # a body up to this is answered at once: handing it to a thread would cost more


async def live(_request: Request) -> Response:
    """Say that the process runs."""
    return _json(Liveness())


async def ready(request: Request) -> Response:
    """Say whether requests should be sent here."""
    process = process_of(request)
    follower = process.follower
    state = readiness(process.models.all(), looked=follower.looked, reachable=follower.reachable)
    return _json(state, 200 if state.ready else 503)


async def metrics(request: Request) -> Response:
    """Return all series for Prometheus."""
    text = await run_in_threadpool(process_of(request).metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def openapi(_request: Request) -> Response:
    """Return the OpenAPI document."""
    return _json(document())


async def docs(_request: Request) -> Response:
    """Return the OpenAPI document as a page to read."""
    return HTMLResponse(page(document()))


async def list_models(request: Request) -> Response:
    """Say what is served of every model."""
    process = process_of(request)
    models = [status_of(served, process.rollouts.of(served.spec.name)) for served in process.models.all()]
    return _json(ModelList(models))


async def show_model(request: Request) -> Response:
    """Say what is served of one model, since when and by whose decision."""
    served = await served_model(request)
    return _json(status_of(served, process_of(request).rollouts.of(served.spec.name)))


async def show_prediction(request: Request) -> Response:
    """Show a prediction as it was kept, and score it again."""
    name: str = request.path_params["id"]
    wanted = as_prediction_id(name)
    try:
        shown = await run_in_threadpool(process_of(request).replayer.show, wanted)
    except StoreError as error:
        away = StoreError("predictions", expected="an answer of the database", got="none", todo="Try again.")
        raise Problem(503, away, {"retry-after": "5"}) from error
    if shown is None:
        raise Problem(404, unknown_prediction(name))
    return _json(shown)


async def predict(request: Request) -> Response:
    """Score rows, leads, or a table."""
    process, served = process_of(request), await served_model(request)
    if request.headers.get("content-type", "").startswith(_TABLES):
        from serving.protocols.bulk import score_table  # Arrow would make every start slower

        return await score_table(request, served)
    terms, limits = terms_of(request.headers), process.front.limits
    decoded = await _decoded(await read_body(request, limits.body_bytes), limits.rows)
    charge(request.scope, len(decoded.rows or decoded.lead_ids or ()))
    leads: LeadFeatures | None = None
    if decoded.lead_ids is None:
        question = about_rows(served, decoded.rows or [], terms)
    else:
        about = await run_in_threadpool(about_leads, served, decoded.lead_ids, process.crm.read_leads, terms)
        question, leads = about.question, about.leads
    answered = await ask(request, question)
    if len(answered.ids) <= _INLINE_ROWS and not decoded.explain:
        return _json(_response(process, question, answered, leads))
    return _json(
        await run_in_threadpool(_response, process, question, answered, leads, explain=decoded.explain)
    )


def _response(
    process: Process,
    question: Question,
    answered: AnsweredRows,
    leads: LeadFeatures | None,
    *,
    explain: bool = False,
) -> PredictResponse:
    served, find = question.served, process.versions_of(answered.model)
    answers = answers_of(served, question.answering, answered, find)
    if leads is not None:
        add_leads(answers, leads)
    bare = served.bare
    if explain and bare is not None:
        reasons = process.explained.reasons_of(answered.features, answered.scores, bare, served.spec, find)
        for answer, of_row in zip(answers, reasons, strict=True):
            answer.reasons = of_row
    return response_of(answered, answers, leads)


async def _decoded(body: bytes, most_rows: int) -> PredictRequest:
    if len(body) <= _INLINE_BYTES:
        return decode(body, most_rows)
    return await run_in_threadpool(decode, body, most_rows)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
