"""From the body of an inference request to rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from estate.bundles import InputColumn
from estate.core.errors import DataError
from serving.body import check_count, decode_as
from serving.problems import Problem
from serving.protocols.tensors import BINARY_SIZE, Parameters, Tensor, count_of, values_of
from serving.rows import Rows

MATRIX = ("features", "input-0")
_SHARED = "shared_memory_region"


class WantedOutput(msgspec.Struct, frozen=True):
    """An output that is asked for."""

    name: str
    parameters: Parameters = {}


class InferRequest(msgspec.Struct, frozen=True):
    """One tensor a column, or one matrix of all number columns."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[WantedOutput] | None = None
    parameters: Parameters = {}


_decoder = msgspec.json.Decoder(InferRequest)


def decode_request(body: bytes, json_bytes: str | None) -> tuple[InferRequest, memoryview]:
    """Decode a request; returns what follows the JSON, too.

    Parameters
    ----------
    body : bytes
    json_bytes : str, optional
        The header ``inference-header-content-length``; without it all is JSON.

    Raises
    ------
    Problem
        400 or 422.
    """
    size = len(body)
    if json_bytes is not None:
        said = int(json_bytes) if json_bytes.isascii() and json_bytes[:12].isdecimal() else -1
        if not 0 <= said <= size:
            expected, got = f"0 to {size}, the bytes of JSON", repr(json_bytes[:40])
            raise Problem(
                400, DataError("header inference-header-content-length", expected=expected, got=got)
            )
        size = said
    request = decode_as(_decoder, body[:size], "an inference request with `inputs`")
    return request, memoryview(body)[size:]


def rows_of(
    request: InferRequest, rest: memoryview, inputs: Sequence[InputColumn] | None, most_rows: int
) -> Rows:
    """Return the rows of a request.

    Parameters
    ----------
    request : InferRequest
    rest : memoryview
        What follows the JSON.
    inputs : sequence of InputColumn, optional
        What the model reads; in this order are the columns of a matrix.
    most_rows : int

    Raises
    ------
    DataError
        If a tensor is wrong.
    Problem
        413 if there are too many rows.
    """
    if not request.inputs:
        raise DataError("inputs", expected="at least one tensor", got="none")
    _check_rows(request.inputs, most_rows)
    names = [tensor.name for tensor in request.inputs]
    if len(set(names)) < len(names):
        raise DataError("inputs", expected="each tensor once", got="one of them twice")
    values = [values_of(tensor, raw) for tensor, raw in _parts(request.inputs, rest)]
    if _is_matrix(request.inputs, inputs):
        return _rows_of_matrix(request.inputs[0], values[0], inputs)
    wide = next((tensor for tensor in request.inputs if tensor.shape[1:] not in ([], [1])), None)
    if wide is not None:
        expected = "shape [n] or [n, 1]: one tensor a column"
        raise DataError(f"tensor `{wide.name[:80]}`", expected=expected, got=str(wide.shape))
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _check_rows(tensors: Sequence[Tensor], most_rows: int) -> None:
    for tensor in tensors:
        count_of(tensor)
        if _SHARED in tensor.parameters:
            expected = "its values in the request"
            raise DataError(f"tensor `{tensor.name[:80]}`", expected=expected, got="shared memory")
    counts = {tensor.shape[0] for tensor in tensors}
    if len(counts) > 1:
        raise DataError("inputs", expected="as many rows in each tensor", got=str(sorted(counts))[:100])
    check_count("inputs, rows", counts.pop(), most_rows)


def _parts(tensors: Sequence[Tensor], rest: memoryview) -> Iterator[tuple[Tensor, memoryview | None]]:
    """Yield each tensor with its bytes, which follow one another."""
    at = 0
    for tensor in tensors:
        size = tensor.parameters.get(BINARY_SIZE)
        if size is None:
            yield tensor, None
            continue
        if type(size) is not int or not 0 <= size <= len(rest) - at:
            expected, got = f"`{BINARY_SIZE}` of at most the {len(rest) - at} bytes left", repr(size)[:40]
            raise DataError(f"tensor `{tensor.name[:80]}`", expected=expected, got=got)
        yield tensor, rest[at : at + size]
        at += size
    if at != len(rest):
        raise DataError("body", expected=f"{at} bytes after the JSON", got=str(len(rest)))


def _is_matrix(tensors: Sequence[Tensor], inputs: Sequence[InputColumn] | None) -> bool:
    first = tensors[0]
    known = {column.name for column in inputs or ()}
    return len(tensors) == 1 and first.name in MATRIX and first.name not in known


def _rows_of_matrix(tensor: Tensor, values: list[Any], inputs: Sequence[InputColumn] | None) -> Rows:
    what = f"tensor `{tensor.name}`"
    todo = "Send one tensor a column."
    if inputs is None or any(column.kind != "number" for column in inputs):
        got = "columns of other kinds" if inputs else "columns that only its rules know"
        raise DataError(what, expected="a model that reads numbers alone", got=got, todo=todo)
    names = [column.name for column in inputs]
    if tensor.shape[1:] != [len(names)]:
        expected = f"shape [n, {len(names)}]: {', '.join(names)}"
        raise DataError(what, expected=expected, got=str(tensor.shape), todo=todo)
    width = len(names)
    return [dict(zip(names, values[at : at + width], strict=True)) for at in range(0, len(values), width)]
