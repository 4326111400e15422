"""Columns of equal length: what features are computed into and predictors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import DataError

Numbers = NDArray[np.float64]
Categories = NDArray[np.object_]
Column = NDArray[Any]


@dataclass(frozen=True)
class Frame:
    """Named columns, all of the same length.

    Parameters
    ----------
    columns : mapping of str to array, each of shape (rows,)
        Numbers are float64 with NaN for missing, categories are ``str`` objects with None for missing.
    rows : int
        The length of every column.

    Examples
    --------
    >>> frame = Frame.of({"budget_usd": [250_000.0, None], "source": ["portal", None]})
    >>> frame.rows, frame["source"].tolist()
    (2, ['portal', None])
    >>> frame["age"]
    Traceback (most recent call last):
    estate.core.errors.DataError: column `age`: expected one of budget_usd, source, got no such column.
    """

    columns: Mapping[str, Column]
    rows: int

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[object] | Column]) -> Frame:
        """Build a frame from lists; a column with any text is a category, every other one a number."""
        arrays = {name: _array(values) for name, values in columns.items()}
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) > 1:
            raise DataError("frame", expected="columns of one length", got=str(sorted(lengths)))
        return cls(arrays, lengths.pop() if lengths else 0)

    def __getitem__(self, name: str) -> Column:
        try:
            return self.columns[name]
        except KeyError as error:
            known = ", ".join(self.columns) or "no columns at all"
            raise DataError(f"column `{name}`", expected=f"one of {known}", got="no such column") from error

    def __len__(self) -> int:
        return self.rows

    def take(self, index: NDArray[Any]) -> Frame:
        """Return the rows at the given positions, or where a boolean mask holds."""
        columns = {name: values[index] for name, values in self.columns.items()}
        rows = int(index.sum()) if index.dtype == np.bool_ else len(index)
        return Frame(columns, rows)

    def select(self, names: Sequence[str]) -> Frame:
        """Return only the named columns, in that order."""
        return Frame({name: self[name] for name in names}, self.rows)

    def records(self) -> list[dict[str, float | str | None]]:
        """Return one plain dictionary a row; missing is None."""
        listed = {name: [_plain(value) for value in values.tolist()] for name, values in self.columns.items()}
        return [{name: values[i] for name, values in listed.items()} for i in range(self.rows)]


def _plain(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and np.isnan(value) else value


def _array(values: Sequence[object] | Column) -> Column:
    if isinstance(values, np.ndarray) and values.dtype != np.object_:
        return values.astype(np.float64) if values.dtype.kind in "biuf" else values.astype(object)
    if any(isinstance(value, str) for value in values):
        listed = [None if value is None or value != value else str(value) for value in values]  # noqa: PLR0124
        return np.array(listed, dtype=object)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def category_text(value: object) -> str | None:
    """Return how any value is written as a category, the same from a file and from a request.

    Examples
    --------
    >>> [category_text(value) for value in ("a", 3, 3.0, 2.5, True, float("nan"), None)]
    ['a', '3', '3', '2.5', 'true', None, None]
    """
    match value:
        case None | str():
            return value
        case bool() | np.bool_():
            return "true" if value else "false"
        case float() | np.floating():
            return _number_text(float(value))
        case _:
            return str(value)


def _number_text(value: float) -> str | None:
    if np.isnan(value):
        return None
    return str(int(value)) if value.is_integer() else repr(value)
