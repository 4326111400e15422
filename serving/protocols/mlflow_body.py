"""The bodies that ``mlflow models serve`` takes, as rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from estate.bundles import InputColumn
from estate.core.errors import DataError
from serving.body import decode_as
from serving.problems import Problem
from serving.rows import Rows
from serving.schema import Row

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")

Inputs = Sequence[InputColumn] | None
"""What a model reads, in the order in which rows without names have their values."""


class DataframeSplit(msgspec.Struct, frozen=True):
    """A table as pandas writes it with ``orient="split"``; its index is ignored."""

    data: list[list[Any]]
    columns: list[str] | None = None


class InvocationRequest(msgspec.Struct, frozen=True):
    """Rows in one of four forms; ``params`` are ignored, as MLflow does for a model that declares none."""

    dataframe_split: DataframeSplit | None = None
    dataframe_records: list[Row] | None = None
    instances: list[Any] | dict[str, list[Any]] | None = None
    inputs: list[Any] | dict[str, list[Any]] | None = None
    params: Any = None


_decoder = msgspec.json.Decoder(InvocationRequest)


def rows_of_json(body: bytes, inputs: Inputs) -> Rows:
    """Return the rows of a JSON body.

    Raises
    ------
    Problem
        400 if it is no JSON, 422 if it has another shape.
    DataError
        If its rows have another one.

    Examples
    --------
    >>> inputs = (InputColumn("age", "number"), InputColumn("job", "category"))
    >>> rows_of_json(b'{"inputs": {"age": [41], "job": ["nurse"]}}', inputs)
    [{'age': 41, 'job': 'nurse'}]
    >>> rows_of_json(b'{"instances": [[NaN, "nurse"]]}', inputs)  # as MLflow's client writes it
    [{'age': None, 'job': 'nurse'}]
    """
    request = _decoded(body)
    given = [form for form in FORMS if getattr(request, form) is not None]
    if len(given) != 1:
        raise DataError("body", expected=f"one of {', '.join(FORMS)}", got=", ".join(given) or "none")
    form = given[0]
    match getattr(request, form):
        case DataframeSplit(data, None):
            return _without_names(form, data, inputs)
        case DataframeSplit(data, columns):
            return _named(form, data, columns or [])
        case dict() as columns:
            return _of_columns(form, columns)
        case [dict(), *_] as rows:
            return _of_records(form, rows)
        case rows:
            return _without_names(form, rows, inputs)


def _decoded(body: bytes) -> InvocationRequest:
    expected = f"an object with one of {', '.join(FORMS)}"
    try:
        return decode_as(_decoder, body, expected)
    except Problem as problem:
        if problem.status != 400 or b"NaN" not in body:
            raise
        return decode_as(_decoder, _nan_as_null(body, problem), expected)


def _nan_as_null(body: bytes, problem: Problem) -> bytes:
    """Return a body as JSON; MLflow's client writes a missing number as ``NaN``, which is none."""
    try:
        found = json.loads(body, parse_constant=_constant)
        return json.dumps(found, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise problem from None


def _constant(name: str) -> None:
    if name != "NaN":
        raise ValueError(f"{name} is no number")


def _of_records(form: str, rows: list[Any]) -> Rows:
    odd = next((i for i, row in enumerate(rows) if type(row) is not dict), None)
    if odd is not None:
        raise DataError(f"{form}, {odd}", expected="an object, as the first one", got="something else")
    return rows


def _of_columns(form: str, columns: dict[str, list[Any]]) -> Rows:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise DataError(form, expected="as many values in each column", got=str(sorted(lengths))[:100])
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _without_names(form: str, rows: list[Any], inputs: Inputs) -> Rows:
    """Return rows that have only values: in the order of the model's inputs."""
    if inputs is None:
        todo = "Send rows with names."
        raise DataError(form, expected="named columns", got="values alone", todo=todo)
    names = [column.name for column in inputs]
    if len(names) == 1:
        rows = [row if type(row) is list else [row] for row in rows]
    return _named(form, rows, names)


def _named(form: str, rows: list[Any], names: list[str]) -> Rows:
    if len(set(names)) < len(names):
        raise DataError(form, expected="each column once", got="one of them twice")
    for index, row in enumerate(rows):
        if type(row) is not list or len(row) != len(names):
            got = f"{len(row)}" if type(row) is list else "something else"
            expected = f"{len(names)} values: {', '.join(names)}"
            raise DataError(f"{form}, row {index}", expected=expected, got=got)
    return [dict(zip(names, row, strict=True)) for row in rows]
