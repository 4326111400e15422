"""The Open Inference Protocol, version 2, over REST, with tensors as JSON or as bytes.

References
----------
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Literal

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estate.core.errors import SpecError
from estate.core.model_spec import Task
from serving.asking import about_rows
from serving.body import read_body
from serving.called import ask, process_of, served_model
from serving.guard.guarded import charge
from serving.models import ServedModel, answering_of
from serving.problems import Problem
from serving.protocols.tensor_answer import OUTPUTS, answer, check_outputs, output_names
from serving.protocols.tensor_request import InferRequest, decode_request, rows_of
from serving.row_features import entity_column
from serving.rows import Rows
from serving.status import readiness
from serving.terms import terms_of

JSON_BYTES = "inference-header-content-length"
# Triton's client names no type at all.
_KINDS = ("application/json", "application/octet-stream", "")
_INLINE_BYTES = 16 * 1024


class ServerMetadata(msgspec.Struct, frozen=True):
    """Which server this is, and what it can beside the protocol itself."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(msgspec.Struct, frozen=True):
    """The process runs."""

    live: bool


class ServerReady(msgspec.Struct, frozen=True):
    """Whether requests should be sent here."""

    ready: bool


class ModelReady(msgspec.Struct, frozen=True):
    """Whether a model answers."""

    name: str
    ready: bool


class TensorMetadata(msgspec.Struct, frozen=True):
    """A tensor; -1 in its shape is any number of rows."""

    name: str
    datatype: Literal["FP64", "BYTES"]
    shape: list[int]


class ModelMetadata(msgspec.Struct, frozen=True):
    """What a model reads and answers; its case is an input that may be left out."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


async def server_metadata(_request: Request) -> Response:
    """Say which server this is."""
    return _json(ServerMetadata("leadloop", installed_version("leadloop"), ["binary_tensor_data"]))


async def server_live(_request: Request) -> Response:
    """Say that the process runs."""
    return _json(ServerLive(live=True))


async def server_ready(request: Request) -> Response:
    """Say whether requests should be sent here."""
    process = process_of(request)
    follower = process.follower
    state = readiness(process.models.all(), looked=follower.looked, reachable=follower.reachable)
    return _json(ServerReady(state.ready), 200 if state.ready else 503)


async def model_ready(request: Request) -> Response:
    """Say whether a model answers."""
    served = await _served(request)
    able = served.answering is not None
    return _json(ModelReady(served.spec.name, able), 200 if able else 503)


async def model_metadata(request: Request) -> Response:
    """Say what a model reads and answers."""
    served = await _served(request)
    answering = answering_of(served)
    kinds = {"number": "FP64", "category": "BYTES"}
    inputs = [(column.name, kinds[column.kind]) for column in answering.inputs or ()]
    if (case := entity_column(served.spec)) is not None:
        inputs.append((case, "BYTES"))
    outputs = [(name, OUTPUTS[name]) for name in output_names(has_classes=_has_classes(served))]
    metadata = {
        "name": served.spec.name,
        "versions": [answering.version],
        "platform": "leadloop_bundle",
        "inputs": [{"name": name, "datatype": kind, "shape": [-1, 1]} for name, kind in inputs],
        "outputs": [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in outputs],
    }
    return _json(msgspec.convert(metadata, ModelMetadata))


async def infer(request: Request) -> Response:
    """Score rows."""
    process, served = process_of(request), await _served(request)
    terms, limits = terms_of(request.headers), process.front.limits
    body = await read_body(request, limits.body_bytes, _KINDS)
    json_bytes = request.headers.get(JSON_BYTES)
    if len(body) <= _INLINE_BYTES:
        asked, rows = _read(served, body, json_bytes, limits.rows)
    else:
        asked, rows = await run_in_threadpool(_read, served, body, json_bytes, limits.rows)
    charge(request.scope, len(rows))
    question = about_rows(served, rows, terms)
    _check_version(request, served, question.answering.version)
    answered = await ask(request, question)
    content, head = answer(asked, answered, has_classes=_has_classes(served))
    if head is None:
        return Response(content, media_type="application/json")
    return Response(content, headers={JSON_BYTES: str(head)}, media_type="application/octet-stream")


def _read(
    served: ServedModel, body: bytes, json_bytes: str | None, most_rows: int
) -> tuple[InferRequest, Rows]:
    asked, rest = decode_request(body, json_bytes)
    check_outputs(asked, has_classes=_has_classes(served))
    return asked, rows_of(asked, rest, answering_of(served).inputs, most_rows)


async def _served(request: Request) -> ServedModel:
    """Return the model of the path, which must serve the version of the path if that has one."""
    served = await served_model(request)
    if "version" in request.path_params:
        _check_version(request, served, answering_of(served).version)
    return served


def _check_version(request: Request, served: ServedModel, version: str) -> None:
    wanted: str = request.path_params.get("version", version)
    if wanted != version:
        error = SpecError(
            f"version `{wanted[:80]}` of `{served.spec.name}`",
            expected=f"the one that is served, {version}",
            got="another one",
            todo="Leave the version out to ask whichever is in production.",
        )
        raise Problem(404, error)


def _has_classes(served: ServedModel) -> bool:
    return served.spec.task is Task.MULTICLASS


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


_MODEL = "/v2/models/{model}"
ROUTES = (
    Route("/v2", server_metadata),
    Route("/v2/health/live", server_live),
    Route("/v2/health/ready", server_ready),
    *(
        route
        for path in (_MODEL, f"{_MODEL}/versions/{{version}}")
        for route in (
            Route(path, model_metadata),
            Route(f"{path}/ready", model_ready),
            Route(f"{path}/infer", infer, methods=["POST"]),
        )
    ),
)
