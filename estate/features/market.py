"""The market of the lead's area."""

from __future__ import annotations

from estate.core.frame import Numbers
from estate.features.events import divide
from estate.features.histories import Histories


def market_index(h: Histories) -> Numbers:
    """Newest known market index of the area; missing if none is known."""
    return h.market["value"]


def market_index_change_90d(h: Histories) -> Numbers:
    """Growth of the area's market index over 90 days; 0.02 is 2 %, missing if either is not known."""
    return divide(h.market["value"], h.market["value_90d_ago"]) - 1.0


def market_index_change_30d(h: Histories) -> Numbers:
    """Growth of the area's market index over 30 days; 0.02 is 2 %, missing if either is not known."""
    return divide(h.market["value"], h.market["value_30d_ago"]) - 1.0


def market_index_change_365d(h: Histories) -> Numbers:
    """Growth of the area's market index over 365 days; 0.02 is 2 %, missing if either is not known."""
    return divide(h.market["value"], h.market["value_365d_ago"]) - 1.0


def area_price_median_usd(h: Histories) -> Numbers:
    """Median asking price of the homes known in the area, in USD; missing if none is known."""
    return h.market["price_usd"]


def area_price_change_90d(h: Histories) -> Numbers:
    """Growth of the area's median asking price over 90 days; 0.02 is 2 %, missing if either is not known."""
    return divide(h.market["price_usd"], h.market["price_usd_90d_ago"]) - 1.0


def area_homes_count(h: Histories) -> Numbers:
    """Homes known in the area; missing without an area."""
    return h.market["homes_count"]


def area_homes_change_30d(h: Histories) -> Numbers:
    """Homes known in the area, less those known 30 days before; missing without an area."""
    return h.market["homes_count"] - h.market["homes_count_30d_ago"]


def area_for_sale_count(h: Histories) -> Numbers:
    """Listings for sale in the area; missing without an area."""
    return h.market["for_sale_count"]


def area_new_listings_count_30d(h: Histories) -> Numbers:
    """Listings that came on the area's market in the last 30 days; missing without an area."""
    return h.market["new_count_30d"]


def area_sold_count_90d(h: Histories) -> Numbers:
    """Listings in the area that were sold in the last 90 days; missing without an area."""
    return h.market["sold_count_90d"]


def area_supply_months(h: Histories) -> Numbers:
    """Months to sell all that is for sale, at the last 90 days' rate; missing if nothing was sold."""
    return divide(h.market["for_sale_count"], h.market["sold_count_90d"] / 3.0)


def area_days_on_market(h: Histories) -> Numbers:
    """Median days for which the area's listings are for sale already; missing if there is none."""
    return h.market["days_for_sale"]


def area_days_to_sale_90d(h: Histories) -> Numbers:
    """Median days that the area's sales of the last 90 days took; missing if nothing was sold."""
    return h.market["days_to_sale_90d"]
