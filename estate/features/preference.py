"""What a lead wants, and how that fits the homes it looks at."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Column, Numbers
from estate.features.events import divide
from estate.features.histories import Histories


def budget_usd(h: Histories) -> Numbers:
    """Budget that the lead named, in USD; missing if it named none."""
    return h.lead["budget_usd"]


def bedrooms_wanted(h: Histories) -> Numbers:
    """Bedrooms that the lead asked for."""
    return h.lead["bedrooms_wanted"]


def timeline_days(h: Histories) -> Numbers:
    """Days within which the lead wants to buy."""
    return h.lead["timeline_days"]


def budget_to_area_price(h: Histories) -> Numbers:
    """Budget over the median asking price of the lead's area."""
    return divide(budget_usd(h), h.market["price_usd"])


def viewed_price_mean_usd(h: Histories) -> Numbers:
    """Mean asking price of the listings that the lead viewed, in USD."""
    viewed = h.interactions.is_("kind", "listing_view", "listing_save", "tour")
    return h.interactions.mean(h.interactions["price_usd"], viewed)


def budget_to_viewed_price(h: Histories) -> Numbers:
    """Budget over the mean price of what the lead viewed."""
    return divide(budget_usd(h), viewed_price_mean_usd(h))


def is_budget_known(h: Histories) -> Numbers:
    """1 if the lead named a budget."""
    return (~np.isnan(h.lead["budget_usd"])).astype(np.float64)


def financing(h: Histories) -> Column:
    """How the lead will pay."""
    return h.lead["financing"]
