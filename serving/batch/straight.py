"""From columns straight to the matrix of an estimator: the bits of ``Encoder.matrix``, without a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from estate.bundles.encoder import EncodedColumn, Encoder, Matrix
from estate.core.frame import Numbers
from serving.batch.typed import Codes

Columns = Mapping[str, Numbers | Codes]

ROWS = 4_096
"""So many at once: the matrix is still in the processor's cache when the model reads it."""
_LARGEST = float(np.finfo(np.float32).max)


def matrices(encoder: Encoder, columns: Columns, rows: int) -> Iterator[Matrix]:
    """Yield the matrix of n rows a part at a time, each float32 of shape (at most 4096, columns)."""
    width = len(encoder.names)
    places = _places(encoder, columns)
    for start in range(0, rows, ROWS):
        stop = min(rows, start + ROWS)
        matrix = np.zeros((stop - start, width), dtype=np.float32)
        at = 0
        for column in encoder.columns:
            values = columns[column.name]
            if isinstance(values, Codes):
                matrix[np.arange(stop - start), at + places[column.name][values.codes[start:stop]]] = 1.0
            else:
                matrix[:, at] = np.clip(values[start:stop], -_LARGEST, _LARGEST)
            at += len(column.names)
        yield matrix


def fits(encoder: Encoder, columns: Columns) -> bool:
    """Return whether every column is there and of the kind that the encoder reads."""
    return all(
        isinstance(columns.get(column.name), Codes if column.kind == "category" else np.ndarray)
        for column in encoder.columns
    )


def _places(encoder: Encoder, columns: Columns) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    found = {}
    for column in encoder.columns:
        values = columns[column.name]
        if isinstance(values, Codes):
            found[column.name] = np.array([_place(column, text) for text in values.texts], dtype=np.int64)
    return found


def _place(column: EncodedColumn, text: str | None) -> int:
    """Return which of a category's indicators a text sets: its level, other, or missing."""
    if text is None:
        return len(column.levels) + 1
    return column.levels.index(text) if text in column.levels else len(column.levels)
