"""From raw values to the contract's types; what can't be read is named, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estate.datasets.contracts import Field
from estate.datasets.mapping import Mapping

if TYPE_CHECKING:
    import pandas as pd

_THOUSANDS = r"^[^\d-]{0,2}-?\d{1,3}(?:[, '\u00a0\u202f]\d{3})+(?:\.\d+)?\D{0,4}$"
_DATE = r"^\d{4}-\d{2}-\d{2}(?:[T ]|$)"
_OFFSET = r"^.{10}.*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"
_FREE_TEXT = "text"  # the one column whose blanks are part of it


@dataclass(frozen=True)
class Parsed:
    """One column, of its contract's type.

    Parameters
    ----------
    values : Series
        Missing where there was nothing or where it could not be read.
    wrong : dict of int to str
        By position, what could not be read.
    """

    values: pd.Series
    wrong: dict[int, str]


def parse(field: Field, raw: pd.Series, mapping: Mapping) -> Parsed:
    """Read one column of a chunk.

    Parameters
    ----------
    field : Field
    raw : Series
        Texts, or what a Parquet file held.
    mapping : Mapping
        For values, missing markers and the form of times.
    """
    import pandas as pd

    if field.type == "time" and pd.api.types.is_datetime64_any_dtype(raw):
        return _localized(field, raw, raw.notna(), mapping)
    if field.type == "number" and pd.api.types.is_float_dtype(raw) and field.name not in mapping.values:
        return Parsed(raw.astype("float64"), {})
    texts = _texts(field, raw, mapping)
    match field.type:
        case "text":
            return Parsed(texts, {})
        case "number":
            return _numbers(field, texts)
        case "time":
            return _times(field, texts, mapping)


def _texts(field: Field, raw: pd.Series, mapping: Mapping) -> pd.Series:
    """Return texts, and None for what is missing. Arrow works on texts ten times as fast as objects do."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = _as_text(raw)
    if field.name != _FREE_TEXT:
        texts = pc.utf8_trim_whitespace(texts)
    values = mapping.values.get(field.name)
    if values:
        place = pc.index_in(texts, pa.array(list(values), pa.string()))
        texts = pc.coalesce(pc.take(pa.array(list(values.values()), pa.string()), place), texts)
    missing = pc.is_in(texts, pa.array(["", *mapping.missing], pa.string()))
    texts = pc.if_else(missing, pa.scalar(None, pa.string()), texts)
    # Not a Series of Arrow's, whose own index 0, 1, … would be matched with this one, which may have gaps.
    return pd.Series(texts.to_numpy(zero_copy_only=False), index=raw.index, dtype=object)


def _as_text(raw: pd.Series) -> Any:
    import pyarrow as pa

    try:
        return pa.array(raw, pa.string(), from_pandas=True)
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array([_plain(value) for value in raw], pa.string())


def _plain(value: object) -> str | None:
    """Whole numbers that a file keeps as floats, since some were missing, are whole again."""
    if value is None or value != value:  # noqa: PLR0124
        return None
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _numbers(field: Field, texts: pd.Series) -> Parsed:
    import pandas as pd

    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    bad = texts[numbers.isna() & texts.notna()]
    thousands = bad.str.contains(_THOUSANDS, regex=True)
    wrong = {
        row: f"{field.name}: expected "
        + ("a number without thousands separators or units, such as 250000" if separated else "a number")
        + f", got {text[:80]!r}"
        for row, text, separated in zip(bad.index, bad, thousands, strict=True)
    }
    return Parsed(numbers, wrong)


def _times(field: Field, texts: pd.Series, mapping: Mapping) -> Parsed:
    import pandas as pd

    given = texts.notna()
    if mapping.time_format:
        in_utc = "%z" in mapping.time_format
        times = pd.to_datetime(texts, format=mapping.time_format, errors="coerce", utc=in_utc)
        return _localized(field, times, given, mapping, texts)
    known = texts[_matches(texts, _DATE)]
    offset = _matches(known, _OFFSET)
    aware = pd.to_datetime(known[offset], format="ISO8601", errors="coerce", utc=True)
    naive = pd.to_datetime(known[~offset], format="ISO8601", errors="coerce")
    local = _localized(field, naive, naive.notna(), mapping, texts)
    times = pd.concat([aware.astype("datetime64[us, UTC]"), local.values]).reindex(texts.index)
    unread = {
        row: f"{field.name}: expected ISO 8601 such as 2026-01-05T08:30:00Z, got {text[:80]!r}"
        for row, text in texts[given & times.isna()].items()
    }
    return Parsed(times, unread | local.wrong)


def _matches(texts: pd.Series, pattern: str) -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.match_substring_regex(pa.array(texts, pa.string(), from_pandas=True), pattern)
    return np.asarray(found.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _localized(
    field: Field, times: pd.Series, given: pd.Series, mapping: Mapping, texts: pd.Series | None = None
) -> Parsed:
    """Times without an offset are in the mapping's zone; those that it skips or has twice are refused."""
    import pandas as pd

    read = times.notna()
    if times.dt.tz is None:
        times = times.dt.tz_localize(mapping.time_zone, ambiguous="NaT", nonexistent="NaT")
    values = times.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    shown = times.astype(object) if texts is None else texts
    wrong = {}
    for row in values.index[given & values.isna()]:
        got = repr(str(shown[row])[:80])
        if read[row]:
            wrong[row] = f"{field.name}: expected a time that {mapping.time_zone} has exactly once, got {got}"
        else:
            wrong[row] = f"{field.name}: expected a time like {mapping.time_format}, got {got}"
    return Parsed(pd.Series(values), wrong)
