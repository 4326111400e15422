"""Rows in the binary form of Postgres' COPY, made a column at a time.

What all rows have the same length of is laid out by numpy; only texts are put in one by one.

References
----------
https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH_MICROSECONDS = 946_684_800_000_000
"""Postgres counts from the year 2000."""

_FLOAT8, _TEXT = 701, 25  # types of array elements
_NULL = b"\xff\xff\xff\xff"

Field = tuple[str, Any, Any]
"""Name, numpy type and value(s) of a part that has the same length in every row."""
Texts = Sequence[str | None]


def constant(value: str | None) -> bytes:
    """Return a text that is the same in every row."""
    return _NULL if value is None else _text(value)


def long(value: int) -> bytes:
    """Return a whole number of 64 bits that is the same in every row."""
    return struct.pack(">iq", 8, value)


def rows(count: int, fixed: Sequence[Field], texts: Sequence[Iterable[bytes]] = ()) -> bytes:
    """Return the tuples of so many rows.

    Parameters
    ----------
    fixed : sequence of Field
        Parts of one length, in order; the first one is the number of columns.
    texts : sequence of iterable of bytes
        Further columns after these, one encoded field a row.
    """
    table = np.empty(count, np.dtype([(name, kind) for name, kind, _ in fixed]))
    for name, _, value in fixed:
        table[name] = value
    flat = table.tobytes()
    if not texts:
        return flat
    width = table.dtype.itemsize
    heads = [flat[at : at + width] for at in range(0, len(flat), width)]
    return b"".join([part for row in zip(heads, *texts, strict=True) for part in row])


def columns(count: int) -> Field:
    """Return how many columns a row has."""
    return "columns", ">i2", count


def raw(name: str, content: bytes) -> Field:
    """Return encoded fields that are the same in every row."""
    return name, f"V{len(content)}", np.void(content)


def uuids(content: bytes) -> list[Field]:
    """Return a column of UUIDs, 16 bytes each."""
    return [("id_length", ">i4", 16), ("id", "V16", np.frombuffer(content, "V16"))]


def floats(name: str, values: Numbers) -> list[Field]:
    """Return a column of numbers."""
    return [(f"{name}_length", ">i4", 8), (name, ">f8", values)]


def moments(values: NDArray[np.int64]) -> list[Field]:
    """Return a column of moments, given in microseconds since 1970."""
    return [("at_length", ">i4", 8), ("at", ">i8", values - EPOCH_MICROSECONDS)]


def float_arrays(matrix: Numbers) -> list[Field]:
    """Return a column of arrays of numbers, one row of the matrix each."""
    width = matrix.shape[1]
    if not width:
        return [raw("floats", struct.pack(">iiii", 12, 0, 0, _FLOAT8))]
    head = struct.pack(">iiiiii", 20 + 12 * width, 1, 0, _FLOAT8, width, 1)
    cells = np.empty((len(matrix), width), np.dtype([("length", ">i4"), ("value", ">f8")]))
    cells["length"], cells["value"] = 8, matrix
    return [raw("floats_head", head), ("floats", (cells.dtype, (width,)), cells)]


def text_fields(values: Texts) -> list[bytes]:
    """Return one field a row."""
    known = {value: constant(value) for value in set(values)}
    return [known[value] for value in values]


def text_arrays(by_column: Sequence[Texts]) -> list[bytes]:
    """Return arrays of texts, one a row."""
    head = struct.pack(">iiiii", 1, 1, _TEXT, len(by_column), 1)
    made = []
    for row in zip(*map(text_fields, by_column), strict=True):
        content = head + b"".join(row)
        made.append(struct.pack(">i", len(content)) + content)
    return made


def nulls(count: int) -> repeat[bytes]:
    """Return so many fields without a value."""
    return repeat(_NULL, count)


def _text(value: str) -> bytes:
    content = value.encode()
    return struct.pack(">i", len(content)) + content
