"""FlatBuffers, as far as the head of an Arrow message needs them; every look outside the bytes is an error.

References
----------
https://github.com/dvidelabs/flatcc/blob/master/doc/binary-format.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Self

_UNSIGNED, _SIGNED = struct.Struct("<I"), struct.Struct("<i")
_SLOT, _LONG, _SHORT = struct.Struct("<H"), struct.Struct("<q"), struct.Struct("<b")
_PAIR = struct.Struct("<qq")


class Flat:
    """A table at a place in some bytes.

    Parameters
    ----------
    content : bytes
    at : int
    """

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at

    @classmethod
    def root(cls, content: bytes) -> Self:
        """Return the outermost table.

        Raises
        ------
        ValueError
            If there is none; so does every other look at it.
        """
        return cls(content, _read(_UNSIGNED, content, 0))

    def long(self, field: int) -> int:
        """Return a whole number of eight bytes; 0 if it is left out."""
        at = self._place(field)
        return _read(_LONG, self._content, at) if at else 0

    def short(self, field: int) -> int:
        """Return a whole number of one byte; 0 if it is left out."""
        at = self._place(field)
        return _read(_SHORT, self._content, at) if at else 0

    def table(self, field: int) -> Self | None:
        """Return a table within; None if it is left out."""
        at = self._place(field)
        return type(self)(self._content, at + _read(_UNSIGNED, self._content, at)) if at else None

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """Yield a vector of two whole numbers of eight bytes each."""
        at = self._place(field)
        if not at:
            return
        start = at + _read(_UNSIGNED, self._content, at)
        count = _read(_UNSIGNED, self._content, start)
        for index in range(count):
            yield _read_pair(self._content, start + 4 + index * _PAIR.size)

    def _place(self, field: int) -> int:
        """Return where a field is; 0 if it is left out."""
        slots = self._at - _read(_SIGNED, self._content, self._at)
        slot = 4 + 2 * field
        if slot >= _read(_SLOT, self._content, slots):
            return 0
        offset = _read(_SLOT, self._content, slots + slot)
        return self._at + offset if offset else 0


def _read(kind: struct.Struct, content: bytes, at: int) -> int:
    if not 0 <= at <= len(content) - kind.size:
        raise ValueError("a place outside of the message")
    value: int = kind.unpack_from(content, at)[0]
    return value


def _read_pair(content: bytes, at: int) -> tuple[int, int]:
    if not 0 <= at <= len(content) - _PAIR.size:
        raise ValueError("a place outside of the message")
    first, second = _PAIR.unpack_from(content, at)
    return first, second
