"""Leads of a seller of online courses (X Education case study).

There is no time; ``lead_number`` rises with it and gives the order.

Left out, because they are written after somebody has talked to the lead, or when the file was made: see
:data:`LEAKING`. With them any model is right in 95 % of the rows, without them in about 83 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from estate.datasets.public.table import check_values, numbers, read_texts, snake_case, texts

if TYPE_CHECKING:
    import pandas as pd

_SALES = "written by the sales team after talking to the lead"
_LATER = "the state when the file was made, not when the lead was scored"
LEAKING: Mapping[str, str] = {
    "Tags": _SALES,
    "Lead Quality": _SALES,
    "Lead Profile": _SALES,
    "Asymmetrique Activity Index": _SALES,
    "Asymmetrique Profile Index": _SALES,
    "Asymmetrique Activity Score": _SALES,
    "Asymmetrique Profile Score": _SALES,
    "Last Activity": _LATER,
    "Last Notable Activity": _LATER,
}
"""The file's columns that know the answer, and why."""

LABEL, ORDER, ENTITY = "converted", "lead_number", "prospect_id"
_NUMBERS = ("Lead Number", "Converted", "TotalVisits", "Total Time Spent on Website", "Page Views Per Visit")
_TEXTS = (
    "Prospect ID",
    "Lead Origin",
    "Lead Source",
    "Do Not Email",
    "Do Not Call",
    "Country",
    "Specialization",
    "How did you hear about X Education",
    "What is your current occupation",
    "What matters most to you in choosing a course",
    "Search",
    "Magazine",
    "Newspaper Article",
    "X Education Forums",
    "Newspaper",
    "Digital Advertisement",
    "Through Recommendations",
    "Receive More Updates About Our Courses",
    "Update me on Supply Chain Content",
    "Get updates on DM Content",
    "City",
    "I agree to pay the amount through cheque",
    "A free copy of Mastering The Interview",
)
_NOT_ANSWERED = ("Select", "unknown")


def read_x_education(path: Path) -> pd.DataFrame:
    """Read the file.

    Parameters
    ----------
    path : Path
        ``leads.csv`` of 37 columns, also gzipped.

    Returns
    -------
    DataFrame
        In the order of ``lead_number``: texts with None for not answered ("Select", "unknown"), numbers as
        float64, the label ``converted`` as 0.0 or 1.0.

    Raises
    ------
    ContractError
        If it is another file.
    """
    raw = read_texts(path, (*_TEXTS, *_NUMBERS, *LEAKING))
    check_values(path, raw["Converted"], ("0", "1"))
    table = numbers(path, raw.drop(columns=list(LEAKING)), _NUMBERS)
    table = texts(table, _TEXTS, missing=_NOT_ANSWERED)
    return table.rename(columns=snake_case).sort_values(ORDER, kind="stable", ignore_index=True)
