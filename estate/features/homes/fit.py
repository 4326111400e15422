"""How a home fits a lead: features of pairs, each named after its column."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers
from estate.features.events import divide
from estate.features.homes.pairs import Pairs


def price_to_budget_log(rows: Pairs) -> Numbers:
    """Logarithm of price over budget: 0.1 is 10 % above; missing if either is not known."""
    return _log_ratio(rows["home_price_usd"], rows["budget_usd"])


def price_to_looked_log(rows: Pairs) -> Numbers:
    """Logarithm of price over the mean of what the lead looked at; missing if either is not known."""
    return _log_ratio(rows["home_price_usd"], rows["looked_price_usd"])


def bedrooms_to_wanted_difference(rows: Pairs) -> Numbers:
    """Bedrooms less those that the lead asked for; missing if either is not known."""
    return np.asarray(rows["home_bedrooms"] - rows["bedrooms_wanted"])


def bedrooms_to_looked_difference(rows: Pairs) -> Numbers:
    """Bedrooms less the mean of what the lead looked at; missing if either is not known."""
    return np.asarray(rows["home_bedrooms"] - rows["looked_bedrooms"])


def living_area_to_looked_log(rows: Pairs) -> Numbers:
    """Logarithm of living area over the mean of what the lead looked at; missing if either is not known."""
    return _log_ratio(rows["home_living_area_sqft"], rows["looked_living_area_sqft"])


def space_to_looked_log(rows: Pairs) -> Numbers:
    """Logarithm of square feet a bedroom over the mean of what was looked at; missing if not known."""
    return _log_ratio(sqft_per_bedroom(rows), rows["looked_sqft_per_bedroom"])


def sqft_per_bedroom(rows: Pairs) -> Numbers:
    """Living area for each bedroom, in square feet; missing if either is not known."""
    return divide(rows["home_living_area_sqft"], rows["home_bedrooms"])


def price_per_sqft_usd(rows: Pairs) -> Numbers:
    """Asking price for each square foot, in USD; missing if either is not known."""
    return divide(rows["home_price_usd"], rows["home_living_area_sqft"])


def is_lead_area(rows: Pairs) -> Numbers:
    """1 if the home is in the area that the lead named; missing if either is not known."""
    pairs = zip(rows["lead_area"].tolist(), rows["home_area"].tolist(), strict=True)
    return np.array([np.nan if a is None or b is None else float(a == b) for a, b in pairs], dtype=np.float64)


def area_looks_share(rows: Pairs) -> Numbers:
    """Share of what the lead looked at that is in the home's area; in [0, 1], missing without a look."""
    return divide(rows["same_area_weight"], rows["looked_weight"])


def kind_looks_share(rows: Pairs) -> Numbers:
    """Share of what the lead looked at that is of the home's kind; in [0, 1], missing without a look."""
    return divide(rows["same_kind_weight"], rows["looked_weight"])


def _log_ratio(part: Numbers, whole: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(divide(part, whole))
