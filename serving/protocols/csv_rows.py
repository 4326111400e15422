"""A CSV body as rows; a column's type is that of all its values, as in training."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from estate.core.errors import DataError
from estate.core.model_spec import CrmSource, ModelSpec
from serving.batch.csv_kinds import as_kind, kinds_of
from serving.problems import Problem
from serving.row_features import entity_column
from serving.rows import Rows


def rows_of_csv(body: bytes, spec: ModelSpec) -> Rows:
    """Return the rows of a CSV body with a line of names; what is not known is None.

    Raises
    ------
    Problem
        400 if it is no CSV.
    DataError
        If a column is there twice.
    """
    try:
        table = _texts(body)
        case = entity_column(spec)
        columns = {name: _without(values, _missing(spec)) for name, values in table.items()}
        batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
        # The name of a case is not a number, even if it looks like one.
        kinds, _ = kinds_of([batch], [name for name in columns if name != case])
        read = {name: as_kind(values, kinds[name]) for name, values in columns.items() if name != case}
    except (pa.ArrowException, OSError) as error:
        raise _no_csv(error) from error
    listed = {name: values.to_pylist() for name, values in read.items()}
    if case in table:
        listed[case] = [text or None for text in table[case].to_pylist()]
    return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]


def _texts(body: bytes) -> dict[str, Any]:
    whole = pc_csv.ReadOptions(use_threads=False, block_size=len(body) + 1)
    parse = pc_csv.ParseOptions(newlines_in_values=True)
    with pc_csv.open_csv(BytesIO(body), read_options=whole, parse_options=parse) as reader:
        names: list[str] = list(reader.schema.names)
    if len(set(names)) < len(names):
        raise DataError("body", expected="each column once", got="one of them twice")
    convert = pc_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    table = pc_csv.read_csv(BytesIO(body), whole, parse, convert)
    return {name: table.column(name).combine_chunks() for name in names}


def _missing(spec: ModelSpec) -> Collection[str]:
    source = spec.source
    return () if isinstance(source, CrmSource) else [text for text in source.missing if type(text) is str]


def _without(values: Any, missing: Collection[str]) -> Any:
    if not missing:
        return values
    return pc.if_else(pc.is_in(values, value_set=pa.array(sorted(missing), pa.string())), "", values)


def _no_csv(error: Exception) -> Problem:
    todo = "Send CSV in UTF-8 with a line of names, separated by commas."
    return Problem(400, DataError("body", expected="CSV", got=str(error)[:200], todo=todo))
