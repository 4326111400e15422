"""Calls of a Portuguese bank's campaign, May 2008 to November 2010 (UCI 222, ``bank-additional-full``).

The rows are in the order of time but say the month only. ``called_at`` spreads the rows of a month evenly
over it: the order is the file's, the moment within a month is made up.

``call_id`` names a call by its place in the file, which has no name of its own for it.

Left out: ``duration``, the length of the call, which nobody knows before the call is over.

References
----------
Moro, Cortez, Rita: A data-driven approach to predict the success of bank telemarketing, Decision Support
Systems 62 (2014).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from estate.datasets.public.table import check_values, numbers, read_texts, snake_case, texts

if TYPE_CHECKING:
    import pandas as pd

LEAKING = ("duration",)
LABEL, TIME, CASE = "y", "called_at", "call_id"
_TEXTS = (
    "job",
    "marital",
    "education",
    "default",
    "housing",
    "loan",
    "contact",
    "month",
    "day_of_week",
    "poutcome",
)
_NUMBERS = (
    "age",
    "campaign",
    "pdays",
    "previous",
    "emp.var.rate",
    "cons.price.idx",
    "cons.conf.idx",
    "euribor3m",
    "nr.employed",
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_YEAR = 2008
_NEVER_CONTACTED = 999


def read_bank_marketing(path: Path) -> pd.DataFrame:
    """Read the file.

    Parameters
    ----------
    path : Path
        ``bank-additional-full.csv``, also gzipped.

    Returns
    -------
    DataFrame
        In the order of ``called_at`` (UTC, strictly increasing): texts with None for "unknown", numbers as
        float64 (``pdays`` is NaN if the client was never contacted before), the label ``y`` as ``"yes"`` or
        ``"no"``.

    Raises
    ------
    ContractError
        If it is another file.
    """
    raw = read_texts(path, (*_TEXTS, *_NUMBERS, *LEAKING, LABEL), separator=";")
    table = numbers(path, raw.drop(columns=list(LEAKING)), _NUMBERS)
    check_values(path, table[LABEL], ("yes", "no"))
    check_values(path, table["month"], _MONTHS)
    table[TIME] = _call_times(table["month"])
    table[CASE] = [f"call-{place:06d}" for place in range(1, len(table) + 1)]
    table = texts(table, _TEXTS, missing=("unknown",))
    table["pdays"] = table["pdays"].where(table["pdays"] != _NEVER_CONTACTED)
    return table.rename(columns=snake_case)


def _call_times(month: pd.Series) -> pd.Series:
    """The year turns where the month falls back; the rows of one run of a month fill it evenly."""
    import pandas as pd

    number = month.map({name: place for place, name in enumerate(_MONTHS, start=1)})
    year = _FIRST_YEAR + (number.diff() < 0).cumsum()
    run = (number.diff() != 0).cumsum()
    place, rows = run.groupby(run).cumcount(), run.groupby(run).transform("size")
    first = pd.to_datetime(pd.DataFrame({"year": year, "month": number, "day": 1}), utc=True)
    length = first.dt.days_in_month * 86_400.0
    seconds = (length * (place + 0.5) / rows).round()
    return (first + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us, UTC]")
