"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from estate.core.errors import DataError, LeadloopError, SettingsError, StoreError
from serving.lanes import Overloaded, TooLate
from serving.schema import ProblemDocument

_RETRY = {"retry-after": "5"}


class Problem(Exception):
    """An answer that is an error.

    Parameters
    ----------
    status : int
        HTTP status.
    error : LeadloopError
        The sentence: which field, expected, got, what to do.
    headers : mapping, optional
        Further headers.
    """

    def __init__(self, status: int, error: LeadloopError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(error))
        self.status, self.error, self.headers = status, error, dict(headers or {})

    def response(self) -> Response:
        """Return the problem document as a response."""
        title = HTTPStatus(self.status).phrase
        document = ProblemDocument(
            type=f"/docs#problem-{self.status}",
            title=title,
            status=self.status,
            detail=str(self.error),
            field=self.error.what,
            expected=self.error.expected[:500],
            got=self.error.got[:500],
            todo=self.error.todo,
        )
        return Response(
            msgspec.json.encode(document), self.status, self.headers, media_type="application/problem+json"
        )


def problem_of(error: LeadloopError) -> Problem:
    """Return the problem for one of our errors: the caller's fault 422, a part that is away 503."""
    match error:
        case DataError():
            return Problem(422, error)
        case Overloaded():
            return Problem(503, error, {"retry-after": str(error.retry_seconds)})
        case TooLate():
            return Problem(504, error)
        case StoreError() | SettingsError():
            away = StoreError(
                "leads",
                expected="an answer of the database",
                got="none",
                todo="Send `rows`, or try again soon.",
            )
            return Problem(503, away, _RETRY)
        case _:
            return Problem(503, error, _RETRY)


async def answer_problem(_request: Request, error: Exception) -> Response:
    """Answer with the problem document of an exception."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, LeadloopError):
        return problem_of(error).response()
    return internal_problem().response()


def internal_problem() -> Problem:
    """Return the problem for a fault of ours; what went wrong is in the log, not in the answer."""
    return Problem(500, LeadloopError("an internal error", todo="The log of the serving process has it."))


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer an unknown address or a wrong method."""
    status: int = getattr(error, "status_code", 500)
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        said = LeadloopError("method", expected=headers.get("Allow", "another one"), got=request.method)
    else:
        said = LeadloopError("address", expected="a route of /docs", got=request.url.path)
    return Problem(status, said, headers).response()
