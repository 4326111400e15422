"""Tensors of the Open Inference Protocol, to values and back."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from estate.core.errors import DataError

Parameters = dict[str, Any]

BINARY_SIZE = "binary_data_size"
_DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
}
_BYTES = "BYTES"
_LENGTH = struct.Struct("<I")
_MOST_DIMENSIONS = 2


class Tensor(msgspec.Struct, frozen=True):
    """One input; ``data`` in the order of rows, flat or nested, unless it follows the JSON as bytes."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: Parameters = {}


def values_of(tensor: Tensor, raw: bytes | memoryview | None) -> list[Any]:
    """Return the values of a tensor, flat; what is not known is None or NaN.

    Parameters
    ----------
    tensor : Tensor
    raw : bytes, optional
        Its part of what follows the JSON.

    Raises
    ------
    DataError
        If they are not of its type and shape.

    Examples
    --------
    >>> values_of(Tensor("area", [2, 1], "BYTES", [["north"], [None]]), None)
    ['north', None]
    >>> values_of(Tensor("rooms", [2], "INT64"), b"\\x03" + bytes(15))
    [3, 0]
    >>> values_of(Tensor("rooms", [3], "INT64", [3, 4]), None)
    Traceback (most recent call last):
    estate.core.errors.DataError: tensor `rooms`: expected 3 values, as its shape says, got 2.
    """
    count = count_of(tensor)
    if tensor.datatype != _BYTES and tensor.datatype not in _DTYPES:
        expected = f"datatype BYTES, {', '.join(_DTYPES)}"
        raise _wrong(tensor, expected, repr(tensor.datatype[:20]))
    values = _listed(tensor) if raw is None else _unpacked(tensor, raw)
    if len(values) != count:
        raise _wrong(tensor, f"{count} values, as its shape says", str(len(values)))
    return values


def count_of(tensor: Tensor) -> int:
    """Return how many values the shape says.

    Raises
    ------
    DataError
        If it is no shape of rows.
    """
    shape = tensor.shape
    if not 1 <= len(shape) <= _MOST_DIMENSIONS or min(shape) < 0:
        raise _wrong(tensor, "shape [n], [n, 1] or [n, columns]", str(shape)[:100])
    return shape[0] * (shape[1] if len(shape) == _MOST_DIMENSIONS else 1)


def packed_texts(texts: Sequence[str]) -> bytes:
    """Return texts as the protocol's bytes: each after its length.

    Examples
    --------
    >>> packed_texts(["ab"])
    b'\\x02\\x00\\x00\\x00ab'
    """
    parts = [text.encode() for text in texts]
    return b"".join(part for text in parts for part in (_LENGTH.pack(len(text)), text))


def packed_numbers(numbers: NDArray[np.float64]) -> bytes:
    """Return numbers as the protocol's bytes."""
    return numbers.astype("<f8").tobytes()


def _listed(tensor: Tensor) -> list[Any]:
    values = tensor.data or []
    if len(tensor.shape) == _MOST_DIMENSIONS and values and type(values[0]) is list:
        values = [value for row in values for value in (row if type(row) is list else [row])]
    allowed = _python_types(tensor.datatype)
    odd = next((value for value in values if type(value) not in allowed), None)
    if odd is not None:
        raise _wrong(tensor, f"values of {tensor.datatype}", f"a value of type {type(odd).__name__}")
    return values


def _python_types(datatype: str) -> frozenset[type]:
    if datatype == _BYTES:
        return frozenset({str, NoneType})
    if datatype == "BOOL":
        return frozenset({bool, NoneType})
    return frozenset({int, float, NoneType} if datatype.startswith("FP") else {int, NoneType})


def _unpacked(tensor: Tensor, raw: bytes | memoryview) -> list[Any]:
    if tensor.data is not None:
        raise _wrong(tensor, f"either `data` or `{BINARY_SIZE}`", "both")
    if tensor.datatype == _BYTES:
        return list(_texts(tensor, raw))
    dtype = _DTYPES[tensor.datatype]
    if len(raw) % dtype.itemsize:
        raise _wrong(tensor, f"{dtype.itemsize} bytes a value", f"{len(raw)} bytes")
    values: list[Any] = np.frombuffer(raw, dtype).tolist()
    return values


def _texts(tensor: Tensor, raw: bytes | memoryview) -> Iterator[str | None]:
    """Yield texts; bytes can't say null, so an empty text is not known."""
    at = 0
    while at < len(raw):
        start = at + _LENGTH.size
        if start > len(raw):
            raise _wrong(tensor, "a length of four bytes before each text", "less")
        at = start + _LENGTH.unpack_from(raw, at)[0]
        if at > len(raw):
            raise _wrong(tensor, "texts as long as their lengths say", "less")
        try:
            yield bytes(raw[start:at]).decode() or None
        except UnicodeDecodeError:
            raise _wrong(tensor, "texts in UTF-8", "other bytes") from None


def _wrong(tensor: Tensor, expected: str, got: str) -> DataError:
    return DataError(f"tensor `{tensor.name[:80]}`", expected=expected, got=got)
