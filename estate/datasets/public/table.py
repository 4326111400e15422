"""What the readers share: a file is what it should be, or it is refused with the difference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from estate.core.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd


def read_texts(path: Path, columns: Sequence[str], *, separator: str = ",") -> pd.DataFrame:
    """Read a CSV file (also gzipped) whose columns are known, every value as the text that it is.

    Raises
    ------
    ContractError
        If the file can't be read or has other columns.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[""])
    except (OSError, EOFError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ContractError(f"file {path}", expected="a CSV file", got=first) from error
    missing = [name for name in columns if name not in table.columns]
    unknown = [str(name) for name in table.columns if name not in columns]
    if missing or unknown:
        got = [f"no {', '.join(missing)}"] * bool(missing) + [f"also {', '.join(unknown)}"] * bool(unknown)
        raise ContractError(
            f"file {path}", expected=f"the {len(columns)} columns of the published file", got="; ".join(got)
        )
    if table.empty:
        raise ContractError(f"file {path}", expected="rows", got="a header alone")
    return table


def numbers(path: Path, table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the table with some columns as float64.

    Raises
    ------
    ContractError
        If a text is no number; names the column and the row.
    """
    import pandas as pd

    read = table.copy()
    for name in names:
        values = pd.to_numeric(table[name], errors="coerce").astype("float64")
        bad = table[name][values.isna() & table[name].notna()]
        if len(bad):
            row = int(str(bad.index[0])) + 1
            raise ContractError(
                f"file {path}, row {row}, `{name}`", expected="a number", got=repr(bad.iloc[0])
            )
        read[name] = values
    return read


def texts(table: pd.DataFrame, names: Sequence[str], *, missing: Sequence[str] = ()) -> pd.DataFrame:
    """Return the table with None where some columns hold nothing or a marker of a missing value."""
    import pandas as pd

    read = table.copy()
    for name in names:
        values = [None if value != value or value in missing else value for value in table[name]]  # noqa: PLR0124
        read[name] = pd.Series(values, index=table.index, dtype=object)
    return read


def check_values(path: Path, values: pd.Series, allowed: Sequence[str]) -> None:
    """Refuse a column that holds anything else.

    Raises
    ------
    ContractError
        With the first wrong value.
    """
    wrong = values[~values.isin(allowed)]
    if len(wrong):
        raise ContractError(
            f"file {path}, `{values.name}`", expected=" or ".join(allowed), got=repr(wrong.iloc[0])
        )


def snake_case(name: str) -> str:
    """Return a column's name in our form.

    Examples
    --------
    >>> snake_case("emp.var.rate"), snake_case("TotalVisits"), snake_case("customerID")
    ('emp_var_rate', 'total_visits', 'customer_id')
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
