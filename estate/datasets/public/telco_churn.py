"""Customers of a made-up telephone company and whether they left (IBM sample data).

There is no time: ``tenure`` is the age of a contract, not a date, so the file's order means nothing.

Left out: nothing, since no column of this file is written after the customer has left. ``TotalCharges`` is
blank for customers of tenure 0, and stays not known.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from estate.datasets.public.table import check_values, numbers, read_texts, snake_case, texts

if TYPE_CHECKING:
    import pandas as pd

LEAKING: tuple[str, ...] = ()
LABEL, ENTITY = "churn", "customer_id"
_NUMBERS = ("SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges")
_TEXTS = (
    "customerID",
    "gender",
    "Partner",
    "Dependents",
    "PhoneService",
    "MultipleLines",
    "InternetService",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
    "Contract",
    "PaperlessBilling",
    "PaymentMethod",
    "Churn",
)


def read_telco_churn(path: Path) -> pd.DataFrame:
    """Read the file.

    Parameters
    ----------
    path : Path
        ``Telco-Customer-Churn.csv``, also gzipped.

    Returns
    -------
    DataFrame
        In the file's order: texts, numbers as float64 (``tenure`` in months, charges in USD), the label
        ``churn`` as ``"Yes"`` or ``"No"``.

    Raises
    ------
    ContractError
        If it is another file.
    """
    raw = read_texts(path, (*_TEXTS, *_NUMBERS))
    raw["TotalCharges"] = raw["TotalCharges"].str.strip().replace("", None)
    check_values(path, raw["Churn"], ("Yes", "No"))
    table = texts(numbers(path, raw, _NUMBERS), _TEXTS)
    return table.rename(columns=snake_case)
