"""Houses sold in Ames, Iowa, 2006 to 2010.

Left out: nothing. ``NA`` of a text column means "has none" and stays a value; of a number it is not known.

References
----------
De Cock (2011), "Ames, Iowa: Alternative to the Boston Housing Data", Journal of Statistics Education 19(3).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from estate.datasets.public.table import numbers, read_texts, snake_case, texts

if TYPE_CHECKING:
    import pandas as pd

LEAKING: tuple[str, ...] = ()
LABEL, TIME, ENTITY = "sale_price", "sold_at", "pid"
_NUMBERS = (
    "Lot Frontage",
    "Lot Area",
    "Overall Qual",
    "Overall Cond",
    "Year Built",
    "Year Remod/Add",
    "Mas Vnr Area",
    "BsmtFin SF 1",
    "BsmtFin SF 2",
    "Bsmt Unf SF",
    "Total Bsmt SF",
    "1st Flr SF",
    "2nd Flr SF",
    "Low Qual Fin SF",
    "Gr Liv Area",
    "Bsmt Full Bath",
    "Bsmt Half Bath",
    "Full Bath",
    "Half Bath",
    "Bedroom AbvGr",
    "Kitchen AbvGr",
    "TotRms AbvGrd",
    "Fireplaces",
    "Garage Yr Blt",
    "Garage Cars",
    "Garage Area",
    "Wood Deck SF",
    "Open Porch SF",
    "Enclosed Porch",
    "3Ssn Porch",
    "Screen Porch",
    "Pool Area",
    "Misc Val",
    "Mo Sold",
    "Yr Sold",
)
_TEXTS = (
    "MS SubClass",
    "MS Zoning",
    "Street",
    "Alley",
    "Lot Shape",
    "Land Contour",
    "Utilities",
    "Lot Config",
    "Land Slope",
    "Neighborhood",
    "Condition 1",
    "Condition 2",
    "Bldg Type",
    "House Style",
    "Roof Style",
    "Roof Matl",
    "Exterior 1st",
    "Exterior 2nd",
    "Mas Vnr Type",
    "Exter Qual",
    "Exter Cond",
    "Foundation",
    "Bsmt Qual",
    "Bsmt Cond",
    "Bsmt Exposure",
    "BsmtFin Type 1",
    "BsmtFin Type 2",
    "Heating",
    "Heating QC",
    "Central Air",
    "Electrical",
    "Kitchen Qual",
    "Functional",
    "Fireplace Qu",
    "Garage Type",
    "Garage Finish",
    "Garage Qual",
    "Garage Cond",
    "Paved Drive",
    "Pool QC",
    "Fence",
    "Misc Feature",
    "Sale Type",
    "SaleCondition",
)
NUMBERS = tuple(map(snake_case, _NUMBERS))
CATEGORIES = tuple(map(snake_case, _TEXTS))


def read_ames(path: Path) -> pd.DataFrame:
    """Read the file.

    Parameters
    ----------
    path : Path
        ``AmesHousing.csv`` of 82 columns, also gzipped.

    Returns
    -------
    DataFrame
        In the order of ``sold_at`` (UTC, the first of the month), within a month in the file's: numbers as
        float64 (sizes in square feet, ``sale_price`` in USD), texts, ``pid`` of the parcel as a text.

    Raises
    ------
    ContractError
        If it is another file.
    """
    import pandas as pd

    raw = read_texts(path, ("Order", "PID", *_NUMBERS, *_TEXTS, "SalePrice"))
    measured = (*_NUMBERS, "SalePrice")
    for name in measured:
        raw[name] = raw[name].where(raw[name] != "NA")
    table = texts(numbers(path, raw, measured), _TEXTS)
    moment = {"year": table["Yr Sold"], "month": table["Mo Sold"], "day": 1}
    table[TIME] = pd.to_datetime(pd.DataFrame(moment), utc=True)
    named = table.drop(columns=["Order"]).rename(columns=snake_case)
    return named.sort_values(TIME, kind="stable", ignore_index=True)
