"""Columns of equal length: what features are computed into and predictors read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import DataError

Numbers = NDArray[np.float64]
Categories = NDArray[np.object_]
Column = NDArray[Any]


@dataclass(frozen=True)
class NumberBlock:
    """The number columns of a frame as one matrix, for what would else go through them one by one.

    Parameters
    ----------
    names : tuple of str
        In the order of the matrix's columns.
    values : float64 array of shape (rows, len(names))
        NaN for missing.
    """

    names: tuple[str, ...]
    values: Numbers


@dataclass(frozen=True)
class Frame:
    """Named columns, all of the same length.

    Parameters
    ----------
    columns : mapping of str to array, each of shape (rows,)
        Numbers are float64 with NaN for missing, categories are ``str`` objects with None for missing.
    rows : int
        The length of every column.
    block : NumberBlock, optional
        All number columns once more, where they came as one matrix; their columns are views of it.

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
    block: NumberBlock | None = None

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

    @classmethod
    def of_block(cls, block: NumberBlock, categories: Mapping[str, Column]) -> Frame:
        """Build a frame from a matrix of numbers and its categories.

        Examples
        --------
        >>> block = NumberBlock(("age", "rooms"), np.array([[30.0, 3.0]]))
        >>> Frame.of_block(block, {"area": np.array(["north"], dtype=object)}).records()
        [{'age': 30.0, 'rooms': 3.0, 'area': 'north'}]
        """
        return cls(_BlockColumns(block, categories), len(block.values), block)

    def take(self, index: NDArray[Any]) -> Frame:
        """Return the rows at the given positions, or where a boolean mask holds."""
        if self.block is not None:
            block = NumberBlock(self.block.names, self.block.values[index])
            others = [name for name in self.columns if name not in block.names]
            return Frame.of_block(block, {name: self.columns[name][index] for name in others})
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


class _BlockColumns(Mapping[str, Column]):
    """Columns of a block, cut out when they are asked for: a predictor may read the block alone."""

    def __init__(self, block: NumberBlock, categories: Mapping[str, Column]) -> None:
        self._block, self._categories = block, categories

    def __getitem__(self, name: str) -> Column:
        if name in self._categories:
            return self._categories[name]
        try:
            return self._block.values[:, self._block.names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        yield from self._block.names
        yield from self._categories

    def __len__(self) -> int:
        return len(self._block.names) + len(self._categories)


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
