"""From the rows of a request to columns; every value is a number, a text or missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import numpy as np

from estate.bundles import InputColumn
from estate.core.errors import RowError
from estate.core.frame import Column, Frame, category_text

Rows = Sequence[Mapping[str, Any]]

_NUMBER_TYPES = {float, int, bool, NoneType}
_CATEGORY_TYPES = {str, *_NUMBER_TYPES}
LONGEST_TEXT = 1_000
LONGEST_ENTITY = 200
_JSON_NAMES = {dict: "an object", list: "an array", str: "a text", bool: "true or false", NoneType: "null"}


def frame_of(rows: Rows, inputs: Sequence[InputColumn]) -> Frame:
    """Read the columns that a model needs; null is missing, further columns are ignored.

    Raises
    ------
    RowError
        If a row lacks columns or a value is of the wrong kind; names the row and the columns.

    Examples
    --------
    >>> inputs = (InputColumn("age", "number"), InputColumn("job", "category"))
    >>> frame_of([{"age": 30, "job": None, "note": "ignored"}], inputs).records()
    [{'age': 30.0, 'job': None}]
    >>> frame_of([{"age": "old", "job": "nurse"}], inputs)
    Traceback (most recent call last):
    estate.core.errors.RowError: row 0, column `age`: expected a number or null, got a text.
    """
    _check_present(rows, inputs)
    columns: dict[str, Column] = {}
    for column in inputs:
        values = [row[column.name] for row in rows]
        read = _numbers if column.kind == "number" else _categories
        columns[column.name] = read(column.name, values)
    return Frame(columns, len(rows))


def open_frame(rows: Rows) -> Frame:
    """Read every column that all rows have, where only the features' code knows which ones are needed.

    A column with any text is a category, one of numbers a number; others are left out.

    Raises
    ------
    RowError
        If a number or a text can't be kept.
    """
    names = [name for name in rows[0] if all(name in row for row in rows)]
    columns: dict[str, Column] = {}
    for name in names:
        values = [row[name] for row in rows]
        kinds = set(map(type, values))
        if kinds <= _NUMBER_TYPES:
            columns[name] = _numbers(name, values)
        elif kinds <= {str, NoneType}:
            columns[name] = _categories(name, values)
    return Frame(columns, len(rows))


def without(rows: Rows, missing: Sequence[str]) -> Rows:
    """Return rows in which the texts that mean not known are null, as in training.

    Examples
    --------
    >>> without([{"area": "unknown", "rooms": 3}], ("unknown",))
    [{'area': None, 'rooms': 3}]
    """
    return [
        {name: None if type(value) is str and value in missing else value for name, value in row.items()}
        for row in rows
    ]


def entities_of(rows: Rows, column: str | None) -> list[str | None]:
    """Return the case that each row names, as text; None where it names none.

    Raises
    ------
    RowError
        If a name is neither text nor a whole number, or is too long.
    """
    if column is None:
        return [None] * len(rows)
    return [_entity(index, column, row.get(column)) for index, row in enumerate(rows)]


def _entity(index: int, column: str, value: object) -> str | None:
    if value is None:
        return None
    name = str(value) if type(value) in (str, int) else ""
    if not name or len(name) > LONGEST_ENTITY or "\0" in name:
        expected = f"a text of 1 to {LONGEST_ENTITY} characters, a whole number, or null"
        raise RowError(f"row {index}, column `{column}`", expected=expected, got=_kind(value))
    return name


def _check_present(rows: Rows, inputs: Sequence[InputColumn]) -> None:
    needed = {column.name for column in inputs}
    for index, row in enumerate(rows):
        if not needed <= row.keys():
            absent = [column.name for column in inputs if column.name not in row]
            raise RowError(
                f"row {index}",
                expected=f"columns {', '.join(column.name for column in inputs)}",
                got=f"no {', '.join(absent)}",
                todo="Send null where a value is not known.",
            )


def _numbers(name: str, values: list[Any]) -> Column:
    if not set(map(type, values)) <= _NUMBER_TYPES:
        raise _wrong(name, values, _NUMBER_TYPES, "a number or null")
    try:
        made = np.array(values, dtype=np.float64)
    except OverflowError:
        made = np.array([math.inf if _is_huge(value) else value for value in values], dtype=np.float64)
    odd = np.isinf(made)
    if odd.any():
        where = f"row {int(odd.argmax())}, column `{name}`"
        raise RowError(where, expected="a number below 1e308", got="a larger one")
    return made


def _is_huge(value: float | None) -> bool:
    return type(value) is int and abs(value) > 10**308


def _categories(name: str, values: list[Any]) -> Column:
    if not set(map(type, values)) <= _CATEGORY_TYPES:
        raise _wrong(name, values, _CATEGORY_TYPES, "a text, a number or null")
    return np.array([_category(name, i, value) for i, value in enumerate(values)], dtype=object)


def _category(name: str, index: int, value: str | float | bool | None) -> str | None:
    try:
        text = category_text(value)
    except ValueError:  # a whole number of thousands of digits
        text = "\0"
    if type(value) is float and math.isinf(value):
        text = "\0"
    if text is not None and (len(text) > LONGEST_TEXT or "\0" in text):
        expected = f"a text of at most {LONGEST_TEXT} characters without NUL"
        raise RowError(f"row {index}, column `{name}`", expected=expected, got="another one")
    return text


def _wrong(name: str, values: list[Any], allowed: set[type], expected: str) -> RowError:
    index = next(i for i, value in enumerate(values) if type(value) not in allowed)
    return RowError(f"row {index}, column `{name}`", expected=expected, got=_kind(values[index]))


def _kind(value: object) -> str:
    return _JSON_NAMES.get(type(value), "a number")
