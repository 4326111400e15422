"""MLflow's scoring protocol: clients of ``mlflow models serve`` work unchanged.

References
----------
https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
"""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estate.core.errors import DataError
from serving.asking import about_rows
from serving.body import check_count, content_type, read_body
from serving.called import ask, process_of, served_model
from serving.guard.guarded import charge
from serving.models import ServedModel, answering_of
from serving.prediction_log import AnsweredRows
from serving.problems import Problem
from serving.protocols.mlflow_body import rows_of_json
from serving.rows import Rows
from serving.status import readiness
from serving.terms import terms_of

MODEL = "x-model"
CSV = "text/csv"
KINDS = ("application/json", CSV)
_INLINE_BYTES = 16 * 1024


class LabelledScore(msgspec.Struct, frozen=True):
    """The most likely class of a row, and its probability."""

    label: str | None
    score: float


class InvocationResponse(msgspec.Struct, frozen=True):
    """One prediction a row: the score, or label and score where the model has classes."""

    predictions: list[float | LabelledScore]


async def ping(request: Request) -> Response:
    """Say whether requests should be sent here, without words."""
    process = process_of(request)
    follower = process.follower
    state = readiness(process.models.all(), looked=follower.looked, reachable=follower.reachable)
    return Response(b"\n", 200 if state.ready else 503, media_type="application/json")


async def version(_request: Request) -> Response:
    """Return the version of MLflow whose protocol this is."""
    return Response(installed_version("mlflow"), media_type="application/json")


async def invocations(request: Request) -> Response:
    """Score rows of the model in the path, in the header, or of the only one."""
    process, served = process_of(request), await _model(request)
    terms, limits = terms_of(request.headers), process.front.limits
    kind = content_type(request.headers, KINDS)
    body = await read_body(request, limits.body_bytes, KINDS)
    if len(body) <= _INLINE_BYTES:
        rows = _read(served, kind, body, limits.rows)
    else:
        rows = await run_in_threadpool(_read, served, kind, body, limits.rows)
    charge(request.scope, len(rows))
    answered = await ask(request, about_rows(served, rows, terms))
    return _answer(answered)


def _read(served: ServedModel, kind: str, body: bytes, most_rows: int) -> Rows:
    if kind == CSV:
        from serving.protocols.csv_rows import rows_of_csv  # Arrow would make every start slower

        rows = rows_of_csv(body, served.spec)
    else:
        rows = rows_of_json(body, answering_of(served).inputs)
    check_count("rows", len(rows), most_rows)
    return rows


def _answer(answered: AnsweredRows) -> Response:
    """Return exactly the body that MLflow's server gives; who answered stands in the headers."""
    scores = answered.scores
    labels = scores.labels()
    predictions: list[Any] = scores.score.tolist()
    if labels[0] is not None:
        predictions = [LabelledScore(*pair) for pair in zip(labels, predictions, strict=True)]
    headers = {MODEL: answered.model, "x-version": scores.version, "x-source": scores.answered_by.value}
    content = msgspec.json.encode(InvocationResponse(predictions))
    return Response(content, headers=headers, media_type="application/json")


async def _model(request: Request) -> ServedModel:
    name = request.path_params.get("model") or request.headers.get(MODEL)
    if name is not None:
        return await served_model(request, name)
    models = process_of(request).models.all()
    trained = [served for served in models if served.serves_a_version]
    if len(trained) == 1:
        return trained[0]
    names = ", ".join(served.spec.name for served in models if served.answering is not None)
    todo = "Send it, or ask `/models/MODEL/invocations`."
    expected = f"the name of a model: {names}"
    raise Problem(422, DataError(f"header {MODEL}", expected=expected, got="none", todo=todo))


ROUTES = (
    Route("/ping", ping),
    Route("/health", ping),
    Route("/version", version),
    Route("/invocations", invocations, methods=["POST"]),
    Route("/models/{model}/invocations", invocations, methods=["POST"]),
)
