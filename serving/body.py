"""From bytes to a typed request; whatever is sent, the answer is a 4xx that says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from estate.core.errors import DataError
from serving.explained import MOST_EXPLAINED_ROWS
from serving.problems import Problem
from serving.schema import MAX_ROWS, PredictRequest

Decoded = TypeVar("Decoded")

JSON = ("application/json",)
_decoder = msgspec.json.Decoder(PredictRequest)
_UTF8 = {"", "charset=utf-8", 'charset="utf-8"'}
_MOST_DIGITS = 400


async def read_body(request: Request, limit: int, kinds: Collection[str] = JSON) -> bytes:
    """Read a body of at most so many bytes.

    Parameters
    ----------
    request : Request
    limit : int
    kinds : collection of str
        Content types that are taken; an empty one stands for none at all.

    Raises
    ------
    Problem
        413 as soon as it is too long, 415 if it says that it is of another kind.
    """
    content_type(request.headers, kinds)
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_long(limit)
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > limit:
            raise _too_long(limit)
        parts.append(part)
    return b"".join(parts)


def content_type(headers: Mapping[str, str], kinds: Collection[str] = JSON) -> str:
    """Return which of the kinds a body says it is.

    Raises
    ------
    Problem
        415 if it is none of them, in another charset, or compressed.
    """
    given = headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    kind = kind.strip().lower()
    if kind not in kinds or parameters.replace(" ", "").lower() not in _UTF8:
        expected = " or ".join(kind for kind in kinds if kind)
        todo = f"Send the header `content-type: {next(iter(kinds))}`."
        raise Problem(415, DataError("content-type", expected=expected, got=repr(given[:200]), todo=todo))
    coding = headers.get("content-encoding", "identity")
    if coding != "identity":
        raise Problem(415, DataError("content-encoding", expected="none", got=repr(coding[:200])))
    return kind


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
        request = _with_large_numbers(body, error)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise not_json(error) from error
    _check_shape(request, most_rows)
    return request


def decode_as(decoder: msgspec.json.Decoder[Decoded], body: bytes, expected: str) -> Decoded:
    """Decode JSON of one shape.

    Raises
    ------
    Problem
        400 if it is not JSON, 422 if it has another shape.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Problem(422, DataError("body", expected=expected, got=str(error))) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise not_json(error) from error


def not_json(error: Exception) -> Problem:
    """Return the problem for a body that is no JSON."""
    got = "too many brackets in one another" if isinstance(error, RecursionError) else str(error)
    todo = "Send JSON in UTF-8; a missing number is null, not NaN."
    return Problem(400, DataError("body", expected="JSON", got=got, todo=todo))


def _with_large_numbers(body: bytes, error: msgspec.ValidationError) -> PredictRequest:
    """Decode a body with a number too large for the decoder: nobody may read its column.

    Such a number becomes infinite; whoever reads it refuses it and names its place.
    """
    problem = Problem(422, DataError("body", expected="`rows` or `lead_ids`", got=str(error)))
    if "out of range" not in str(error):
        raise problem from error
    try:
        found = json.loads(body, parse_int=_whole, parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False).encode()  # raises where a surrogate stands alone
        return msgspec.convert(found, PredictRequest)
    except msgspec.ValidationError:
        raise problem from error
    except (ValueError, RecursionError) as broken:
        raise not_json(broken) from broken


def _whole(text: str) -> float:
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _check_shape(request: PredictRequest, most_rows: int) -> None:
    given = [cases for cases in (request.rows, request.lead_ids) if cases is not None]
    if len(given) != 1:
        got = "both" if given else "neither"
        raise Problem(422, DataError("body", expected="either `rows` or `lead_ids`", got=got))
    name = "rows" if request.rows is not None else "lead_ids"
    count = len(given[0])
    check_count(name, count, most_rows)
    if request.explain and count > MOST_EXPLAINED_ROWS:
        todo = "Ask for the reasons of fewer rows at once."
        expected = f"at most {MOST_EXPLAINED_ROWS} with `explain`"
        raise Problem(422, DataError(name, expected=expected, got=str(count), todo=todo))


def check_count(name: str, count: int, most_rows: int) -> None:
    """Refuse a request of no rows, or of too many.

    Raises
    ------
    Problem
        422 or 413.
    """
    if not count:
        raise Problem(422, DataError(name, expected=f"1 to {most_rows}", got="none"))
    if count > most_rows:
        todo = "Send several requests, or use `leadloop score`."
        raise Problem(413, DataError(name, expected=f"1 to {most_rows}", got=str(count), todo=todo))


def _too_long(limit: int) -> Problem:
    todo = "Send several requests, or use `leadloop score`."
    return Problem(413, DataError("body", expected=f"at most {limit} bytes", got="more", todo=todo))
