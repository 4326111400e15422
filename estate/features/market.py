"""The market of the lead's area."""

from __future__ import annotations

from estate.core.frame import Numbers
from estate.features.events import divide
from estate.features.histories import Histories


def market_index(h: Histories) -> Numbers:
    """Newest known market index of the area."""
    return h.market["value"]


def market_index_change_90d(h: Histories) -> Numbers:
    """Growth of the area's market index over 90 days; 0.02 is 2 %."""
    return divide(h.market["value"], h.market["value_90d_ago"]) - 1.0
