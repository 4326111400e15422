"""From Arrow columns to features, as ``leadloop score`` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from estate.bundles import InputColumn
from estate.core.errors import DataError, RowError
from estate.core.frame import Column, Frame
from estate.core.model_spec import CrmSource
from serving.answering import Answering
from serving.batch.typed import read_codes, read_numbers
from serving.models import ServedModel
from serving.row_features import compute_features, entity_column
from serving.rows import LONGEST_TEXT, entities_of

_MOST_TEXT_BYTES = 4 * LONGEST_TEXT  # UTF-8 takes at most four bytes a character


@dataclass
class Columns:
    """What is read of one table for one version of a model.

    Parameters
    ----------
    served : ServedModel
    answering : Answering
    inputs : tuple of InputColumn, optional
        None where only the code of the model's rules knows: then all that the table has, once it is there.
    case : str or None
        Column that names the case of a row; it may be absent.
    """

    served: ServedModel
    answering: Answering
    inputs: tuple[InputColumn, ...] | None
    case: str | None

    @classmethod
    def of(cls, served: ServedModel, answering: Answering) -> Columns:
        """Return what a model reads of a table."""
        return cls(served, answering, answering.inputs, entity_column(served.spec))

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the columns that are read; all others are skipped."""
        return frozenset(
            {column.name for column in self.inputs or ()} | ({self.case} if self.case else set())
        )

    def check(self, schema: Any) -> None:
        """Refuse a table whose columns can't be read.

        Raises
        ------
        DataError
            Names the columns.
        """
        names = list(schema.names)
        if self.inputs is None:
            self.inputs = tuple(InputColumn(f.name, _kind(f.type)) for f in schema if _is_plain(f.type))
        absent = [column.name for column in self.inputs if column.name not in names]
        if absent:
            expected = f"columns {', '.join(column.name for column in self.inputs)}"
            raise DataError("schema", expected=expected, got=f"no {', '.join(absent)}")
        for name in self.wanted.intersection(names):
            if names.count(name) > 1:
                raise DataError(f"column `{name}`", expected="one of that name", got="several")
            kind = schema.field(name).type
            if not _is_plain(kind):
                expected = "numbers, texts, or true and false"
                raise DataError(f"column `{name}`", expected=expected, got=str(kind)[:100])

    def entities(self, batch: Any, first_row: int) -> list[str | None]:
        """Return the case of each row.

        Raises
        ------
        RowError
            If a row names its case in a way that can't be kept.
        """
        if self.case is None or self.case not in batch.schema.names:
            return [None] * batch.num_rows
        _check_texts(self.case, batch.column(self.case))
        try:
            cases = [{self.case: value} for value in batch.column(self.case).to_pylist()]
            return entities_of(cases, self.case)
        except RowError as error:
            raise RowError(
                f"column `{self.case}`, a row from {first_row:,} on", expected=error.expected, got=error.got
            ) from error

    def features(self, batch: Any, first_row: int) -> Frame:
        """Return the features of some rows.

        Raises
        ------
        DataError
            If a value is of a wrong kind; names the row of the whole table, from 0.
        """
        source = self.served.spec.source
        missing = () if isinstance(source, CrmSource) else source.missing
        texts = frozenset(value for value in missing if type(value) is str)
        made: dict[str, Column] = {}
        for column in self.inputs or ():
            values = batch.column(column.name)
            _check_texts(column.name, values)
            read = _numbers if column.kind == "number" else _categories
            made[column.name] = read(column.name, values, texts, first_row)
        raw = Frame(made, batch.num_rows)
        spec = self.served.spec
        return raw if spec.computes_from_histories else compute_features(spec, raw)


def _numbers(name: str, values: Any, missing: frozenset[str], first_row: int) -> Column:
    read = read_numbers(values, missing)
    if read.wrong:
        row = min(read.wrong)
        where = f"row {first_row + row:,}, column `{name}`"
        raise RowError(where, expected="a number or null", got=repr(read.wrong[row][:100]))
    return read.values


def _categories(name: str, values: Any, missing: frozenset[str], first_row: int) -> Column:
    codes = read_codes(values, missing)
    odd = [i for i, text in enumerate(codes.texts) if text and (len(text) > LONGEST_TEXT or "\0" in text)]
    if odd and (at := np.flatnonzero(np.isin(codes.codes, odd))).size:
        where = f"row {first_row + int(at[0]):,}, column `{name}`"
        expected = f"a text of at most {LONGEST_TEXT} characters without NUL"
        raise RowError(where, expected=expected, got="another one")
    return codes.column()


def _check_texts(name: str, values: Any) -> None:
    """Refuse long texts before a dictionary of them is spread out over the rows."""
    if not pa.types.is_dictionary(values.type):
        return
    texts = values.dictionary
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        if longest > _MOST_TEXT_BYTES:
            expected = f"texts of at most {LONGEST_TEXT} characters"
            raise DataError(f"column `{name}`", expected=expected, got=f"one of {longest} bytes")


def _kind(kind: Any) -> Literal["number", "category"]:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return "category" if texts else "number"


def _is_plain(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_floating,
        pa.types.is_integer,
        pa.types.is_boolean,
        pa.types.is_null,
        pa.types.is_decimal,
    )
    return any(test(kind) for test in tests)
