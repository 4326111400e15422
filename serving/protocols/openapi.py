"""What the OpenAPI document says of the further protocols."""

from __future__ import annotations

from serving.openapi_parts import ERRORS, MODEL, Document, body, get, openly, problems, ref
from serving.protocols import open_inference
from serving.protocols.mlflow_body import InvocationRequest
from serving.protocols.mlflow_scoring import MODEL as MODEL_HEADER
from serving.protocols.mlflow_scoring import InvocationResponse
from serving.protocols.open_inference import JSON_BYTES
from serving.protocols.open_inference_errors import OpenInferenceProblem
from serving.protocols.tensor_answer import InferResponse
from serving.protocols.tensor_request import InferRequest

TYPES = (
    InferRequest,
    InferResponse,
    InvocationRequest,
    InvocationResponse,
    OpenInferenceProblem,
    open_inference.ServerMetadata,
    open_inference.ServerLive,
    open_inference.ServerReady,
    open_inference.ModelReady,
    open_inference.ModelMetadata,
)
_JSON = "application/json"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BYTES = {"application/octet-stream": _BINARY}
TABLES = {
    "application/vnd.apache.arrow.stream": _BINARY,
    "application/vnd.apache.parquet": _BINARY,
}
_ERRORS = tuple(status for status in ERRORS if status != 406)
_VERSION = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "Only the one that is served.",
}
_HEADER = {
    "name": MODEL_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "Name of the model; may be left out where only one has a trained version.",
}
_SPLIT = {"dataframe_split": {"columns": ["age", "job"], "data": [[41, "nurse"]]}}
_TENSORS = {
    "inputs": [
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [41]},
        {"name": "job", "shape": [1], "datatype": "BYTES", "data": ["nurse"]},
    ]
}


def paths() -> Document:
    """Return the paths of all of them."""
    return {
        **{path: _with_error(described) for path, described in _open_inference().items()},
        "/ping": {"get": openly(_ping())},
        "/health": {"get": openly(_ping())},
        "/version": {"get": _mlflow_version()},
        "/invocations": {"post": _invocations([_HEADER])},
        "/models/{model}/invocations": {"post": _invocations([MODEL])},
    }


def _open_inference() -> Document:
    live = get("Open Inference Protocol: the process runs", "ServerLive")
    made: Document = {
        "/v2": {"get": get("Open Inference Protocol: which server this is", "ServerMetadata")},
        "/v2/health/live": {"get": openly(live)},
        "/v2/health/ready": {"get": openly(_ready("requests should be sent here", "ServerReady"))},
    }
    for path, parameters in (
        ("/v2/models/{model}", [MODEL]),
        ("/v2/models/{model}/versions/{version}", [MODEL, _VERSION]),
    ):
        about = "Open Inference Protocol: what a model reads and answers"
        described = get(about, "ModelMetadata", parameters=parameters, errors=(404, 503))
        made[path] = {"get": described}
        made[f"{path}/ready"] = {"get": _ready("a model answers", "ModelReady", parameters)}
        made[f"{path}/infer"] = {"post": _infer(parameters)}
    return made


def _ready(what: str, name: str, parameters: list[Document] | None = None) -> Document:
    summary = f"Open Inference Protocol: whether {what}"
    errors = (404,) if parameters else ()
    described = get(summary, name, parameters=parameters, errors=errors)
    not_ready = body(name)
    not_ready["content"] |= problems((503,))["503"]["content"]
    described["responses"]["503"] = not_ready
    return described


def _infer(parameters: list[Document]) -> Document:
    answer = body("InferResponse")
    answer["content"] |= _BYTES
    header = {
        "name": JSON_BYTES,
        "in": "header",
        "required": False,
        "schema": {"type": "integer", "minimum": 0},
        "description": "Bytes of JSON; the values of tensors follow it.",
    }
    return {
        "summary": "Open Inference Protocol: score rows",
        "description": "One tensor a column, of shape `[n]` or `[n, 1]`; or, where all columns are numbers, "
        "one matrix named `features` or `input-0` with the columns in the order of the model's inputs.",
        "parameters": [*parameters, header],
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": ref("InferRequest"), "example": _TENSORS}, **_BYTES},
        },
        "responses": {"200": answer, **problems(_ERRORS)},
    }


def _ping() -> Document:
    ready = {"description": "Requests should be sent here.", "content": {_JSON: {}}}
    not_ready = {"description": "Not yet.", "content": {_JSON: {}}}
    return {
        "summary": "MLflow's protocol: requests should be sent here (200) or not (503)",
        "responses": {"200": ready, "503": not_ready, **problems((504,))},
    }


def _mlflow_version() -> Document:
    answer = {"description": "The version.", "content": {_JSON: {}}}
    return {
        "summary": "MLflow's protocol: the version of MLflow that it is of",
        "responses": {"200": answer, **problems((401, 403, 429, 504))},
    }


def _invocations(parameters: list[Document]) -> Document:
    csv = {"schema": {"type": "string"}, "example": "age,job\n41,nurse\n"}
    return {
        "summary": "MLflow's protocol: score rows",
        "description": "As for `mlflow models serve`: `dataframe_split`, `dataframe_records`, `instances` or "
        "`inputs`, or CSV. A missing number may be `NaN`, as MLflow's client writes it.",
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {
                _JSON: {"schema": ref("InvocationRequest"), "example": _SPLIT},
                "text/csv": csv,
            },
        },
        "responses": {"200": body("InvocationResponse"), **problems(_ERRORS)},
    }


def _with_error(described: Document) -> Document:
    """Return a path whose problem documents have the protocol's own ``error``, too."""
    for method in described.values():
        for answer in method["responses"].values():
            if "application/problem+json" in answer["content"]:
                answer["content"]["application/problem+json"] = {"schema": ref("OpenInferenceProblem")}
    return described
