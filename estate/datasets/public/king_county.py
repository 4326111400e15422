"""Houses sold in King County, Washington, May 2014 to May 2015.

Left out: nothing. ``sqft_living15`` and ``sqft_lot15`` are sizes of the neighbours' houses in 2015, hardly
others than when a house was sold.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from estate.datasets.public.table import check_values, numbers, read_texts

if TYPE_CHECKING:
    import pandas as pd

LEAKING: tuple[str, ...] = ()
LABEL, TIME, ENTITY = "price", "sold_at", "sale_id"
NUMBERS = (
    "bedrooms",
    "bathrooms",
    "sqft_living",
    "sqft_lot",
    "floors",
    "waterfront",
    "view",
    "condition",
    "grade",
    "sqft_above",
    "sqft_basement",
    "yr_built",
    "yr_renovated",
    "lat",
    "long",
    "sqft_living15",
    "sqft_lot15",
    "sold_day",
)
CATEGORIES = ("zipcode",)
_FIRST = "2014-05-01"


def read_king_county(path: Path) -> pd.DataFrame:
    """Read the file.

    Parameters
    ----------
    path : Path
        ``kc_house_data.csv``, also gzipped.

    Returns
    -------
    DataFrame
        In the order of ``sold_at`` (UTC, a day): numbers as float64 (sizes in square feet, ``price`` in USD,
        ``sold_day`` in days since May 2014), ``zipcode`` as a text. ``sale_id`` is the house and the day:
        some were sold twice.

    Raises
    ------
    ContractError
        If it is another file.
    """
    import pandas as pd

    measured = (*NUMBERS[:-1], LABEL)
    raw = read_texts(path, ("id", "date", *measured, *CATEGORIES))
    table = numbers(path, raw, measured)
    check_values(path, table["date"].str.slice(0, 4), ("2014", "2015"))
    table[TIME] = pd.to_datetime(table["date"].str.slice(0, 8), format="%Y%m%d", utc=True)
    table["sold_day"] = (table[TIME] - pd.Timestamp(_FIRST, tz="UTC")).dt.days.astype("float64")
    table[ENTITY] = table["id"] + "-" + table["date"].str.slice(0, 8)
    return table.drop(columns=["id", "date"]).sort_values(TIME, kind="stable", ignore_index=True)
