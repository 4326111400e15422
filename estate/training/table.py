"""Rows of the user's own: from a file or a query to raw columns, labels and times."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estate.core.environment import expand
from estate.core.errors import ContractError, SettingsError
from estate.core.frame import Column, Frame, Numbers, category_text
from estate.core.model_spec import ModelSpec, QuerySource, TableSource
from estate.store.database import Database
from estate.store.queries import read_query

if TYPE_CHECKING:
    import pandas as pd


def read_table(spec: ModelSpec, database: Database | None) -> pd.DataFrame:
    """Read the source of a spec into a table.

    Raises
    ------
    SettingsError
        If the path names a variable that is not set.
    ContractError
        If the file is absent or unreadable, or lacks a column that the spec names.
    """
    match spec.source:
        case TableSource() as source:
            table = _read_file(source)
        case QuerySource() as source:
            table = read_query(expand(source.url), source.sql) if source.url else _own_query(source, database)
        case _:
            raise ContractError(f"model `{spec.name}`", expected="a table source", got="events of leads")
    _require_columns(table, spec, source)
    return table.mask(table.isin(source.missing)) if source.missing else table


def raw_frame(table: pd.DataFrame, spec: ModelSpec) -> Frame:
    """Turn raw columns into numbers and categories as the spec's features read them.

    Columns that only feature functions read are numbers if the table's own type is numeric.

    Raises
    ------
    ContractError
        If a number column holds text.
    """
    kinds = {name: spec.features.kind(name) for name in spec.features.names if name in table}
    return plain_frame(table, kinds)


def plain_frame(table: pd.DataFrame, kinds: Mapping[str, str] | None = None) -> Frame:
    """Turn columns into numbers and categories: as ``kinds`` says, else by the table's own types.

    Raises
    ------
    ContractError
        If a number column holds text.
    """
    columns: dict[str, Column] = {}
    for name in table.columns:
        kind = (kinds or {}).get(name, "number" if table[name].dtype.kind in "biuf" else "category")
        columns[str(name)] = numbers(table[name]) if kind == "number" else _categories(table[name])
    return Frame(columns, len(table))


def _read_file(source: TableSource) -> pd.DataFrame:
    import pandas as pd

    path = Path(expand(source.path)).expanduser()
    if not path.is_file():
        raise ContractError(
            f"data file {path}", expected="a file", got="none", todo="Correct `path` of the spec."
        )
    try:
        if source.reader is not None:
            return source.reader(path)
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, sep=source.separator, low_memory=False)
    except (ValueError, OSError, EOFError) as error:
        raise ContractError(
            f"data file {path}", expected="CSV or Parquet", got=str(error).splitlines()[0]
        ) from error


def _own_query(source: QuerySource, database: Database | None) -> pd.DataFrame:
    if database is None:
        raise SettingsError(
            "query source", expected="a database", got="none", todo="Give the source a `url`."
        )
    return read_query(database.url, source.sql)


def _require_columns(table: pd.DataFrame, spec: ModelSpec, source: TableSource | QuerySource) -> None:
    raw_features = [f for f in (*spec.features.numbers, *spec.features.categories) if isinstance(f, str)]
    named = [*raw_features, source.label, source.entity, source.time, source.order, *spec.gate.protected]
    missing = [name for name in named if name is not None and name not in table]
    if missing:
        raise ContractError(
            f"data of model `{spec.name}`",
            expected=f"columns {', '.join(missing)}",
            got=f"columns {', '.join(map(str, table.columns))}",
            todo="Correct the names in the spec, or the data.",
        )


def numbers(values: pd.Series[Any]) -> Numbers:
    """Read a column as float64, missing as NaN.

    Raises
    ------
    ContractError
        If it holds text; names the row.
    """
    import pandas as pd

    made = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, copy=True)
    wrong = np.flatnonzero(
        np.isnan(made) & values.notna().to_numpy() & (values.astype(str).str.strip() != "")
    )
    if len(wrong):
        raise ContractError(
            f"column `{values.name}`, row {wrong[0]}",
            expected="a number",
            got=repr(values.iloc[int(wrong[0])]),
            todo="List the text under `missing` of the source if it means not known, or make it a category.",
        )
    made[np.isinf(made)] = np.nan
    return made


def _categories(values: pd.Series[str]) -> Column:
    return np.array([category_text(value) for value in values.tolist()], dtype=object)
