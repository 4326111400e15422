"""One Parquet file out of many, without reading or writing a row again.

Each chunk is encoded as a Parquet file of its own in memory, by whichever thread scored it. Of that file only
the row groups' bytes are appended to the target; its end, which says where each column begins, is kept. The
target's own end is made of all of these with their places moved.

References
----------
https://parquet.apache.org/docs/file-format/metadata/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from serving.batch.thrift import I64, LIST, STRUCT, Encoded, Struct, read_struct, write_struct

MAGIC = b"PAR1"
_TAIL = 8  # four bytes of length, four of magic
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData in parquet.thrift.
_ROWS, _GROUPS = 3, 4
_GROUP_COLUMNS, _GROUP_AT, _GROUP_ORDINAL = 1, 5, 7
_CHUNK_AT, _CHUNK_META, _CHUNK_OFFSET_INDEX, _CHUNK_COLUMN_INDEX = 2, 3, 4, 6
_META_PLACES = (9, 10, 11, 14)  # data, index and dictionary pages, bloom filter


def split(file: memoryview) -> tuple[memoryview, bytes]:
    """Return the bytes of a whole Parquet file's row groups, and its metadata."""
    length = int.from_bytes(file[-_TAIL : -_TAIL + 4], "little")
    end = len(file) - _TAIL - length
    return file[len(MAGIC) : end], bytes(file[end : end + length])


def joined_end(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """Return what comes after the row groups of all parts.

    Parameters
    ----------
    parts : iterable of (int, bytes)
        Where each part's row groups begin in the target, and its metadata; one or more, of one schema.
    """
    whole: Struct = {}
    groups: list[Encoded] = []  # as objects of Python, many of them would be large
    rows = 0
    for start, metadata in parts:
        part = read_struct(metadata)
        whole = whole or {**part, _GROUPS: (LIST, (STRUCT, []))}
        rows += part[_ROWS][1]
        for group in part[_GROUPS][1][1]:
            _move(group, start - len(MAGIC), len(groups))
            groups.append(Encoded(write_struct(group)))
    end = write_struct({**whole, _ROWS: (I64, rows), _GROUPS: (LIST, (STRUCT, groups))})
    return end + len(end).to_bytes(4, "little") + MAGIC


def _move(group: Struct, by: int, ordinal: int) -> None:
    _shift(group, (_GROUP_AT,), by)
    # A number of 16 bits that readers may do without.
    if _GROUP_ORDINAL in group and ordinal < 2**15:
        group[_GROUP_ORDINAL] = (group[_GROUP_ORDINAL][0], ordinal)
    else:
        group.pop(_GROUP_ORDINAL, None)
    for column in group[_GROUP_COLUMNS][1][1]:
        _shift(column, (_CHUNK_AT, _CHUNK_OFFSET_INDEX, _CHUNK_COLUMN_INDEX), by)
        if _CHUNK_META in column:
            _shift(column[_CHUNK_META][1], _META_PLACES, by)


def _shift(struct: Struct, fields: tuple[int, ...], by: int) -> None:
    for field in fields:
        kind, value = struct.get(field, (0, 0))
        if value:  # no place, or 0: not said
            moved: tuple[int, Any] = (kind, value + by)
            struct[field] = moved
