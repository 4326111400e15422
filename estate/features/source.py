"""Where a lead came from."""

from __future__ import annotations

from estate.core.frame import Column
from estate.features.histories import Histories


def lead_source(h: Histories) -> Column:
    """Portal, advertisement or person that brought the lead; missing if it is not known."""
    return h.lead["source"]


def lead_area(h: Histories) -> Column:
    """Area that the lead looks in; missing if it is not known."""
    return h.lead["area"]
