"""What a lead wants, and how that fits the homes it looks at."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Column, Numbers
from estate.features.events import Mask, divide
from estate.features.histories import Histories


def budget_usd(h: Histories) -> Numbers:
    """Budget that the lead named, in USD; missing if it named none."""
    return h.lead["budget_usd"]


def bedrooms_wanted(h: Histories) -> Numbers:
    """Bedrooms that the lead asked for; missing if it did not say."""
    return h.lead["bedrooms_wanted"]


def timeline_days(h: Histories) -> Numbers:
    """Days within which the lead wants to buy; missing if it did not say."""
    return h.lead["timeline_days"]


def timeline_days_log(h: Histories) -> Numbers:
    """Logarithm of one more than the days within which the lead wants to buy; missing if it did not say."""
    return np.log1p(timeline_days(h))


def is_timeline_known(h: Histories) -> Numbers:
    """1 if the lead said when it wants to buy."""
    return (~np.isnan(timeline_days(h))).astype(np.float64)


def budget_to_area_price(h: Histories) -> Numbers:
    """Budget over the median asking price of the lead's area; missing if either is not known."""
    return divide(budget_usd(h), h.market["price_usd"])


def viewed_price_mean_usd(h: Histories) -> Numbers:
    """Mean asking price of the homes that the lead viewed, in USD; missing if none is known."""
    return h.interactions.mean(h.interactions["price_usd"], _viewed(h))


def budget_to_viewed_price(h: Histories) -> Numbers:
    """Budget over the mean price of what the lead viewed; missing if either is not known."""
    return divide(budget_usd(h), viewed_price_mean_usd(h))


def is_budget_known(h: Histories) -> Numbers:
    """1 if the lead named a budget."""
    return (~np.isnan(h.lead["budget_usd"])).astype(np.float64)


def financing(h: Histories) -> Column:
    """How the lead will pay; missing if it did not say."""
    return h.lead["financing"]


def viewed_price_deviation_usd(h: Histories) -> Numbers:
    """Standard deviation of the asking prices that the lead viewed, in USD; missing with fewer than two."""
    return h.interactions.deviation(h.interactions["price_usd"], _viewed(h))


def viewed_price_min_usd(h: Histories) -> Numbers:
    """Lowest asking price that the lead viewed, in USD; missing if none is known."""
    return h.interactions.smallest(h.interactions["price_usd"], _viewed(h))


def viewed_price_max_usd(h: Histories) -> Numbers:
    """Highest asking price that the lead viewed, in USD; missing if none is known."""
    return h.interactions.largest(h.interactions["price_usd"], _viewed(h))


def viewed_price_last_usd(h: Histories) -> Numbers:
    """Asking price that the lead viewed last, in USD; missing if none is known."""
    return h.interactions.last(h.interactions["price_usd"], _viewed(h))


def viewed_price_last_ratio(h: Histories) -> Numbers:
    """Asking price that the lead viewed last over the mean of all; missing if none is known."""
    return divide(viewed_price_last_usd(h), viewed_price_mean_usd(h))


def saved_price_mean_usd(h: Histories) -> Numbers:
    """Mean asking price of the listings that the lead saved, in USD; missing if none is known."""
    return h.interactions.mean(h.interactions["price_usd"], h.interactions.is_("kind", "listing_save"))


def toured_price_mean_usd(h: Histories) -> Numbers:
    """Mean asking price of the homes that the lead toured, in USD; missing if none is known."""
    return h.interactions.mean(h.interactions["price_usd"], h.interactions.is_("kind", "tour"))


def viewed_over_budget_share(h: Histories) -> Numbers:
    """Share of views above the budget; in [0, 1], missing without a budget or a known price."""
    price, budget = h.interactions["price_usd"], budget_usd(h)
    known = _viewed(h) & ~np.isnan(price)
    over = known & (price > budget[h.interactions.lead])
    return np.where(np.isnan(budget), np.nan, divide(h.interactions.count(over), h.interactions.count(known)))


def viewed_bedrooms_mean(h: Histories) -> Numbers:
    """Mean number of bedrooms of what the lead viewed; missing if none is known."""
    return h.interactions.mean(h.interactions["bedrooms"], _viewed(h))


def viewed_bedrooms_difference(h: Histories) -> Numbers:
    """Mean bedrooms of what the lead viewed, less those it asked for; missing if either is not known."""
    return viewed_bedrooms_mean(h) - bedrooms_wanted(h)


def viewed_living_area_mean_sqft(h: Histories) -> Numbers:
    """Mean living area of what the lead viewed, in square feet; missing if none is known."""
    return h.interactions.mean(h.interactions["living_area_sqft"], _viewed(h))


def viewed_price_per_sqft_mean_usd(h: Histories) -> Numbers:
    """Mean asking price for each square foot of what the lead viewed, in USD; missing if none is known."""
    each = divide(h.interactions["price_usd"], h.interactions["living_area_sqft"])
    return h.interactions.mean(each, _viewed(h))


def viewed_areas_count(h: Histories) -> Numbers:
    """Different areas in which the lead viewed homes."""
    return h.interactions.different("area", _viewed(h))


def viewed_in_area_share(h: Histories) -> Numbers:
    """Share of views in the lead's own area; in [0, 1], missing without an area or a known view."""
    area = h.interactions.texts["area"]
    own = np.array([area.names.get(name, -2) for name in h.lead["area"].tolist()], dtype=np.int64)
    known = _viewed(h) & (area.codes >= 0)
    inside = known & (area.codes == own[h.interactions.lead])
    share = divide(h.interactions.count(inside), h.interactions.count(known))
    return np.where([name is None for name in h.lead["area"].tolist()], np.nan, share)


def budget_per_bedroom_usd(h: Histories) -> Numbers:
    """Budget for each bedroom that the lead asked for, in USD; missing if either is not known."""
    return divide(budget_usd(h), bedrooms_wanted(h))


def _viewed(h: Histories) -> Mask:
    return h.interactions.is_("kind", "listing_view", "listing_save", "tour")
