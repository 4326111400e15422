"""What the columns of a CSV file are: whole numbers, numbers, yes or no, or texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

NOT_KNOWN = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""Texts that pandas reads as missing, and so training does."""


class Kind(StrEnum):
    """Type of a column."""

    WHOLE = "whole"
    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"

    @property
    def type(self) -> Any:
        """Arrow's type for it."""
        match self:
            case Kind.WHOLE:
                return pa.int64()
            case Kind.NUMBER:
                return pa.float64()
            case Kind.BOOL:
                return pa.bool_()
            case Kind.TEXT:
                return pa.string()


def kinds_of(batches: Iterable[Any], names: Sequence[str]) -> tuple[dict[str, Kind], int]:
    """Return the narrowest kind that every value of a column has, and the number of rows.

    Examples
    --------
    >>> rows = pa.record_batch({"a": ["1", "NA"], "b": ["1", "2.5"], "c": ["True", "no"], "d": ["", "3"]})
    >>> {name: kind.value for name, kind in kinds_of([rows], ["a", "b", "c", "d"])[0].items()}
    {'a': 'whole', 'b': 'number', 'c': 'text', 'd': 'whole'}
    """
    left: dict[str, list[Kind]] = {name: list(Kind) for name in names}
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for name, kinds in left.items():
            while kinds[0] is not Kind.TEXT and not _is(batch.column(name), kinds[0]):
                kinds.pop(0)
    # A column without any value is one of numbers, as pandas has it.
    return {name: kinds[0] for name, kinds in left.items()}, rows


def as_kind(values: Any, kind: Kind) -> Any:
    """Return texts as a kind, not known as null.

    Raises
    ------
    ArrowInvalid
        If a value is of another kind.
    """
    if kind in (Kind.WHOLE, Kind.NUMBER):
        try:
            return values.cast(kind.type)  # nothing missing: no need to look for it
        except pa.ArrowInvalid:
            pass
    known = pc.if_else(pc.is_in(values, value_set=_set_of(NOT_KNOWN)), None, values)
    return known if kind is Kind.TEXT else pc.utf8_trim_whitespace(known).cast(kind.type)


_YES_OR_NO = ("True", "TRUE", "true", "False", "FALSE", "false")


@lru_cache
def _set_of(texts: tuple[str, ...]) -> Any:
    return pa.array(texts)  # not when this is imported: Arrow then imports pandas


def _is(values: Any, kind: Kind) -> bool:
    try:
        as_kind(values, kind)
    except pa.ArrowInvalid:
        return False
    match kind:  # Arrow takes more for such a value than pandas does: 0x1f, and 1 for true
        case Kind.WHOLE:
            return not pc.any(pc.match_substring(values, "x", ignore_case=True)).as_py()
        case Kind.BOOL:
            known = values.filter(pc.invert(pc.is_in(values, value_set=_set_of(NOT_KNOWN))))
            return bool(pc.all(pc.is_in(known, value_set=_set_of(_YES_OR_NO))).as_py())
        case _:
            return True
