"""The parts of which the OpenAPI document is made."""

from __future__ import annotations

from typing import Any

MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
ERRORS = {
    400: "The body is not of the kind that it says it is.",
    401: "There is no valid API key.",
    403: "The API key is of another role.",
    404: "There is no such model, or no such prediction.",
    406: "The answer can't be written in a kind that the header accept takes.",
    408: "The body did not arrive in time.",
    413: "The body has too many bytes or rows, or more rows than the key's burst.",
    415: "The body's content type is not one of those listed, or it is compressed.",
    422: "The body is JSON but can't be answered: `field` says where, `expected` and `got` what is wrong.",
    429: "More rows than the key's rate allows; try again after the seconds in Retry-After.",
    503: "Nothing can answer now; try again after the seconds in Retry-After.",
    504: "There was no answer in time.",
}
GUARDED = (401, 403, 429, 504)
"""What any route may answer but those of health."""

Document = dict[str, Any]
"""An OpenAPI 3.1 document or a part of one: its shape is the standard's."""


def get(
    summary: str, name: str, *, parameters: list[Document] | None = None, errors: tuple[int, ...] = ()
) -> Document:
    """Return the description of a route that shows something of a named type."""
    refused = problems(tuple(sorted({*errors, *GUARDED})))
    made: Document = {"summary": summary, "responses": {"200": body(name), **refused}}
    return made | ({"parameters": parameters} if parameters else {})


def text(summary: str, kind: str) -> Document:
    """Return the description of a route that shows something of no type of ours."""
    answer = {"description": summary, "content": {kind: {}}}
    return {"summary": summary, "responses": {"200": answer, **problems(GUARDED)}}


def openly(described: Document) -> Document:
    """Return the description of a route that asks nobody who they are."""
    refused = {str(status) for status in (401, 403, 429)}
    kept = {status: answer for status, answer in described["responses"].items() if status not in refused}
    return {**described, "security": [], "responses": kept}


def body(name: str) -> Document:
    """Return an answer of a named type, as JSON."""
    return {"description": name, "content": {"application/json": {"schema": ref(name)}}}


def problems(statuses: tuple[int, ...]) -> Document:
    """Return the problem documents of some statuses."""
    content = {"application/problem+json": {"schema": ref("ProblemDocument")}}
    return {str(status): {"description": ERRORS[status], "content": content} for status in statuses}


def ref(name: str) -> Document:
    """Return a reference to a named type."""
    return {"$ref": f"#/components/schemas/{name}"}
