"""From a frame of features to the float32 matrix that an estimator reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import DataError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Column, Frame, Numbers

LEVELS = 50
LEAST_ROWS = 10
OTHER, MISSING = "(other)", "(missing)"
_FLOAT32_MAX = float(np.finfo(np.float32).max)

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class EncodedColumn:
    """How one feature enters the matrix.

    Parameters
    ----------
    name : str
    kind : "number" or "category"
    levels : tuple of str
        Of a category: one indicator each, then one for any other value and one for missing.
    """

    name: str
    kind: Literal["number", "category"]
    levels: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the matrix's columns that this feature fills."""
        if self.kind == "number":
            return [self.name]
        return [f"{self.name}={level}" for level in (*self.levels, OTHER, MISSING)]


@dataclass(frozen=True)
class _Places:
    """Where each feature goes in the matrix."""

    numbers: tuple[str, ...]
    at: slice | list[int]
    categories: tuple[tuple[str, dict[object, int], int], ...]  # name, column of each level, column of others
    width: int


@dataclass(frozen=True)
class Encoder:
    """Numbers as they are (missing is NaN), categories as indicators.

    Examples
    --------
    >>> frame = Frame.of({"age": [30.0, None], "job": ["nurse", "pilot"]})
    >>> encoder = Encoder((EncodedColumn("age", "number"), EncodedColumn("job", "category", ("nurse",))))
    >>> encoder.names
    ['age', 'job=nurse', 'job=(other)', 'job=(missing)']
    >>> encoder.matrix(frame).tolist()
    [[30.0, 1.0, 0.0, 0.0], [nan, 0.0, 1.0, 0.0]]
    """

    columns: tuple[EncodedColumn, ...]

    @classmethod
    def fit(cls, frame: Frame, features: FeatureSet) -> Encoder:
        """Learn the levels of every category: the most common ones with at least ten rows, at most fifty."""
        made = [
            EncodedColumn(name, kind, _levels(frame[name]) if kind == "category" else ())
            for name, kind in ((name, features.kind(name)) for name in features.names)
        ]
        return cls(tuple(made))

    @property
    def names(self) -> list[str]:
        """Names of the matrix's columns."""
        return [name for column in self.columns for name in column.names]

    def matrix(self, frame: Frame) -> Matrix:
        """Encode n rows into shape (n, columns), float32.

        Raises
        ------
        DataError
            If a column is missing, or holds text where numbers are expected.
        """
        places = self._places
        if frame.block is not None and frame.block.names == places.numbers:
            return self._matrix_of_block(frame, frame.block.values, places)
        matrix = np.zeros((len(frame), places.width), dtype=np.float32)
        at = 0
        for column in self.columns:
            values = frame[column.name]
            if column.kind == "number":
                matrix[:, at] = np.clip(_numbers(column.name, values), -_FLOAT32_MAX, _FLOAT32_MAX)
            else:
                matrix[np.arange(len(frame)), at + _codes(values, column.levels)] = 1.0
            at += len(column.names)
        return matrix

    @cached_property
    def _places(self) -> _Places:
        numbers, at, firsts = [], [], []
        width = 0
        for column in self.columns:
            if column.kind == "number":
                numbers.append(column.name)
                at.append(width)
            else:
                known: dict[object, int] = {level: width + i for i, level in enumerate(column.levels)}
                other = width + len(column.levels)
                firsts.append((column.name, {**known, None: other + 1}, other))
            width += len(column.names)
        together = at == list(range(len(at)))
        return _Places(tuple(numbers), slice(0, len(at)) if together else at, tuple(firsts), width)

    def _matrix_of_block(self, frame: Frame, values: Numbers, places: _Places) -> Matrix:
        """Encode all numbers in one step: the same bits, without a pass over each column."""
        matrix = np.zeros((len(frame), places.width), dtype=np.float32)
        numbers = np.maximum(np.minimum(values, _FLOAT32_MAX), -_FLOAT32_MAX)
        matrix[:, places.at] = numbers
        for name, codes, other in places.categories:
            for row, value in enumerate(frame.columns[name].tolist()):
                matrix[row, codes.get(value, other)] = 1.0
        return matrix


def _levels(values: Column) -> tuple[str, ...]:
    present = [value for value in values.tolist() if value is not None]
    if not present:
        return ()
    names, counts = np.unique(np.array(present, dtype=str), return_counts=True)
    order = np.lexsort((names, -counts))[:LEVELS]
    return tuple(str(names[i]) for i in order if counts[i] >= LEAST_ROWS)


def _codes(values: Column, levels: Sequence[str]) -> NDArray[np.intp]:
    known: dict[object, int] = {level: code for code, level in enumerate(levels)}
    other = len(levels)
    known[None] = other + 1
    return np.array([known.get(value, other) for value in values.tolist()], dtype=np.intp)


def _numbers(name: str, values: Column) -> Column:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column `{name}`", expected="numbers", got=f"{values.dtype} values") from error
