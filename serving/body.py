"""From bytes to a typed request; whatever is sent, the answer is a 4xx that says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from estate.core.errors import DataError
from serving.explained import MOST_EXPLAINED_ROWS
from serving.problems import Problem
from serving.schema import MAX_ROWS, PredictRequest

_decoder = msgspec.json.Decoder(PredictRequest)


async def read_body(request: Request, limit: int) -> bytes:
    """Read a JSON body of at most so many bytes.

    Raises
    ------
    Problem
        413 as soon as it is too long, 415 if it says that it is not JSON.
    """
    _check_type(request.headers)
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_long(limit)
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > limit:
            raise _too_long(limit)
        parts.append(part)
    return b"".join(parts)


def decode(body: bytes, most_rows: int = MAX_ROWS) -> PredictRequest:
    """Decode a request for predictions.

    Raises
    ------
    Problem
        400 if it is not JSON, 413 if it has too many rows, 422 if it has another shape.
    """
    try:
        request = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Problem(422, DataError("body", expected="`rows` or `lead_ids`", got=str(error))) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        got = "too many brackets in one another" if isinstance(error, RecursionError) else str(error)
        todo = "Send JSON in UTF-8; a missing number is null, not NaN."
        raise Problem(400, DataError("body", expected="JSON", got=got, todo=todo)) from error
    _check_shape(request, most_rows)
    return request


def _check_type(headers: Mapping[str, str]) -> None:
    given = headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    charset = parameters.replace(" ", "").lower()
    if kind.strip().lower() != "application/json" or charset not in {"", "charset=utf-8", 'charset="utf-8"'}:
        todo = "Send the header `content-type: application/json`."
        raise Problem(415, DataError("content-type", expected="application/json", got=repr(given), todo=todo))
    coding = headers.get("content-encoding", "identity")
    if coding != "identity":
        raise Problem(415, DataError("content-encoding", expected="none", got=repr(coding)))


def _check_shape(request: PredictRequest, most_rows: int) -> None:
    given = [cases for cases in (request.rows, request.lead_ids) if cases is not None]
    if len(given) != 1:
        got = "both" if given else "neither"
        raise Problem(422, DataError("body", expected="either `rows` or `lead_ids`", got=got))
    name = "rows" if request.rows is not None else "lead_ids"
    count = len(given[0])
    if not count:
        raise Problem(422, DataError(name, expected=f"1 to {most_rows}", got="none"))
    if count > most_rows:
        todo = "Send several requests, or use `leadloop score`."
        raise Problem(413, DataError(name, expected=f"1 to {most_rows}", got=str(count), todo=todo))
    if request.explain and count > MOST_EXPLAINED_ROWS:
        todo = "Ask for the reasons of fewer rows at once."
        expected = f"at most {MOST_EXPLAINED_ROWS} with `explain`"
        raise Problem(422, DataError(name, expected=expected, got=str(count), todo=todo))


def _too_long(limit: int) -> Problem:
    todo = "Send several requests, or use `leadloop score`."
    return Problem(413, DataError("body", expected=f"at most {limit} bytes", got="more", todo=todo))
