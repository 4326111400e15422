"""Arrow columns as a model reads them: float64 with NaN for not known, or texts by their code.

The same values come out as from the table that training reads (:mod:`estate.training.table`), without a
Python object for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from estate.core.frame import Categories, Numbers, category_text


@dataclass(frozen=True)
class Codes:
    """A category of n rows.

    Parameters
    ----------
    codes : int64 array of shape (n,)
        Positions in ``texts``.
    texts : list of (str or None)
        None is not known.
    """

    codes: NDArray[np.int64]
    texts: list[str | None]

    def column(self) -> Categories:
        """Return the texts of all rows."""
        made: Categories = np.array([*self.texts, None], dtype=object)[self.codes]
        return made


@dataclass(frozen=True)
class ReadNumbers:
    """Numbers of n rows, and which of them hold something else.

    Parameters
    ----------
    values : float64 array of shape (n,)
    wrong : dict
        The text by its row.
    """

    values: Numbers
    wrong: dict[int, str]


def read_numbers(values: Any, missing: frozenset[str]) -> ReadNumbers:
    """Read a column of numbers; infinities are not known either.

    Parameters
    ----------
    values : Arrow array
    missing : frozenset of str
        Texts that mean not known, beside the empty one.

    Examples
    --------
    >>> read = read_numbers(pa.array(["1.5", " 2", "", "?", "many"]), frozenset("?"))
    >>> read.values.tolist(), read.wrong
    ([1.5, 2.0, nan, nan, nan], {4: 'many'})
    """
    values = _plain(values)
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_texts(values, missing)
    if _is_number(kind):
        return ReadNumbers(_finite(_float64(values)), {})
    return _by_pandas(values)


def read_codes(values: Any, missing: frozenset[str]) -> Codes:
    """Read a column of categories.

    Examples
    --------
    >>> read_codes(pa.array([3.0, None, 2.5, 3.0]), frozenset()).column().tolist()
    ['3', None, '2.5', '3']
    """
    values = _plain(values)
    if not _is_simple(values.type):
        return _codes_by_pandas(values, missing)
    found = pc.dictionary_encode(values)
    unique = found.dictionary
    # A float of four bytes has the text of the double that it becomes, as in a column of pandas.
    if pa.types.is_floating(unique.type):
        unique = unique.cast(pa.float64())
    listed = unique.to_pylist()
    texts = [None if value in missing else category_text(value) for value in listed]
    codes = found.indices.cast(pa.int64()).fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return Codes(codes, [*texts, None])


def _plain(values: Any) -> Any:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _is_number(kind: Any) -> bool:
    tests = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)
    return any(test(kind) for test in (*tests, pa.types.is_decimal))


def _is_simple(kind: Any) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_floating, pa.types.is_integer)
    return any(test(kind) for test in (*tests, pa.types.is_boolean))


def _float64(values: Any) -> Numbers:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    made: Numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return made


def _finite(values: Numbers) -> Numbers:
    odd = np.isinf(values)
    return np.where(odd, np.nan, values) if odd.any() else values


def _from_texts(values: Any, missing: frozenset[str]) -> ReadNumbers:
    values = _without(values, missing)
    try:
        return _parsed(values)  # nothing empty: no need to look for it
    except pa.ArrowInvalid:
        pass
    known = pc.utf8_trim_whitespace(values)
    try:
        return _parsed(pc.if_else(pc.equal(known, ""), None, known))
    except pa.ArrowInvalid:
        return _by_pandas(values)


def _parsed(texts: Any) -> ReadNumbers:
    made = texts.cast(pa.float64())
    if pc.any(pc.is_nan(made)).as_py():
        raise pa.ArrowInvalid("the text nan: Arrow takes it for a number, training does not")
    return ReadNumbers(_finite(_float64(made)), {})


def _without(values: Any, missing: frozenset[str]) -> Any:
    if not missing:
        return values
    texts = pa.array(sorted(missing), type=values.type)
    return pc.if_else(pc.is_in(values, value_set=texts), pa.scalar(None, values.type), values)


def _by_pandas(values: Any) -> ReadNumbers:
    """Read what is no plain number as training does, and find what is none."""
    import pandas as pd

    series = values.to_pandas()
    try:
        made = pd.to_numeric(series, errors="coerce").to_numpy(np.float64, copy=True)
    except TypeError:  # lists
        made = np.full(len(series), np.nan)
    there = series.notna().to_numpy() & (series.astype(str).str.strip() != "").to_numpy()
    wrong = np.flatnonzero(np.isnan(made) & there)
    return ReadNumbers(_finite(made), {int(i): str(series.iloc[int(i)]) for i in wrong})


def _codes_by_pandas(values: Any, missing: frozenset[str]) -> Codes:
    series = values.to_pandas()
    if missing:
        series = series.mask(series.isin(missing))
    texts = [category_text(value) for value in series.tolist()]
    known: dict[str | None, int] = {}
    codes = np.array([known.setdefault(text, len(known)) for text in texts], dtype=np.int64)
    return Codes(codes, list(known))
