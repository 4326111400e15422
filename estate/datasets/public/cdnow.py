"""Purchases of CDNOW's customers, January 1997 to June 1998, and who falls silent.

The file is a log of events. A row to learn from is a customer on a day: what was bought until then, and
whether nothing was bought in the days after. Nothing later than the day is looked at for the first, and a
label needs the whole horizon inside the log.

References
----------
Fader, Hardie (2001), "Forecasting Repeat Sales at CDNOW: A Case Study", Interfaces 31(3).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from estate.core.errors import ContractError
from estate.datasets.public.table import numbers, read_texts

if TYPE_CHECKING:
    import pandas as pd

LEAKING: tuple[str, ...] = ()
LABEL, TIME, ENTITY = "silent", "cut_at", "case_id"
HORIZON_DAYS = 180
NUMBERS = (
    "purchases",
    "days_with_purchase",
    "cds",
    "dollars",
    "dollars_mean",
    "last_dollars",
    "days_since_first",
    "days_since_last",
    "days_between_mean",
    "days_between_last_two",
    "silence_to_usual",
    "recency_share",
    "purchases_per_month",
    "purchases_90d",
    "purchases_30d",
)
_LAST_DAY = date(1998, 6, 30)


def read_cdnow(path: Path, cuts: Sequence[date], *, horizon_days: int = HORIZON_DAYS) -> pd.DataFrame:
    """Read the log and look at every customer on each of some days.

    Parameters
    ----------
    path : Path
        ``cdnow_transactions.csv``, also gzipped.
    cuts : sequence of date
        The ends of these days are the moments; ascending.
    horizon_days : int
        A customer is silent who buys nothing in so many days after.

    Returns
    -------
    DataFrame
        One row for each customer known at each cut, in the order of ``cut_at`` (UTC): numbers as float64
        (counts, USD, days), NaN where there is no second purchase to measure from, ``silent`` as 0.0 or 1.0.

    Raises
    ------
    ContractError
        If it is another file, or a cut's horizon is not over when the log ends.
    """
    import pandas as pd

    raw = read_texts(path, ("customer_id", "date", "number_of_cds", "dollar_value"))
    table = numbers(path, raw, ("number_of_cds", "dollar_value"))
    table["day"] = pd.to_datetime(table["date"], utc=True)
    late = [cut for cut in cuts if (_LAST_DAY - cut).days < horizon_days]
    if late:
        raise ContractError(
            f"file {path}",
            expected=f"cuts at least {horizon_days} days before {_LAST_DAY}, where the log ends",
            got=str(late[0]),
        )
    return pd.concat([_customers(table, cut, horizon_days) for cut in cuts], ignore_index=True)


def _customers(events: pd.DataFrame, cut: date, horizon_days: int) -> pd.DataFrame:
    import pandas as pd

    end = pd.Timestamp(cut, tz="UTC")
    known = events[events["day"] <= end].sort_values(["customer_id", "day"], kind="stable")
    later = events[(events["day"] > end) & (events["day"] <= end + pd.Timedelta(days=horizon_days))]
    of = known.groupby("customer_id")
    days = known.drop_duplicates(["customer_id", "day"])
    gap = days.groupby("customer_id")["day"].diff().dt.days
    made = pd.DataFrame(
        {
            "purchases": of.size(),
            "days_with_purchase": days.groupby("customer_id").size(),
            "cds": of["number_of_cds"].sum(),
            "dollars": of["dollar_value"].sum(),
            "dollars_mean": of["dollar_value"].mean(),
            "last_dollars": of["dollar_value"].last(),
            "days_since_first": (end - of["day"].min()).dt.days,
            "days_since_last": (end - of["day"].max()).dt.days,
            "days_between_mean": gap.groupby(days["customer_id"]).mean(),
            "days_between_last_two": gap.groupby(days["customer_id"]).last(),
        }
    )
    made["silence_to_usual"] = made["days_since_last"] / made["days_between_mean"]
    made["recency_share"] = made["days_since_last"] / (made["days_since_first"] + 1.0)
    made["purchases_per_month"] = made["purchases"] / (made["days_since_first"] + 1.0) * 30.0
    for window in (90, 30):
        recent = known[known["day"] > end - pd.Timedelta(days=window)].groupby("customer_id").size()
        made[f"purchases_{window}d"] = recent.reindex(made.index, fill_value=0)
    made[LABEL] = np.where(made.index.isin(later["customer_id"]), 0.0, 1.0)
    made = made.astype("float64")
    made[TIME] = end + pd.Timedelta(hours=24) - pd.Timedelta(microseconds=1)
    made[ENTITY] = [f"{customer}-{cut}" for customer in made.index]
    return made.reset_index(drop=True)
