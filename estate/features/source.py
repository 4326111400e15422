"""Where a lead came from, and through which campaigns it came again."""

from __future__ import annotations

from estate.core.frame import Column, Numbers
from estate.features.events import Mask, divide
from estate.features.histories import Histories


def lead_source(h: Histories) -> Column:
    """Portal, advertisement or person that brought the lead; missing if it is not known."""
    return h.lead["source"]


def lead_area(h: Histories) -> Column:
    """Area that the lead looks in; missing if it is not known."""
    return h.lead["area"]


def lead_campaign(h: Histories) -> Column:
    """Campaign that brought the lead; missing if it is not known."""
    return h.lead["campaign"]


def campaigns_count(h: Histories) -> Numbers:
    """Different campaigns through which the lead came so far."""
    return h.interactions.different("campaign", _through_campaign(h))


def campaign_interactions_count(h: Histories) -> Numbers:
    """Interactions that came through a campaign, so far."""
    return h.interactions.count(_through_campaign(h))


def campaign_interactions_count_21d(h: Histories) -> Numbers:
    """Interactions that came through a campaign, in the last 21 days."""
    return h.interactions.count(_through_campaign(h) & h.interactions.within(21))


def campaign_interactions_share(h: Histories) -> Numbers:
    """Share of all interactions that came through a campaign; in [0, 1], missing if there is none."""
    return divide(campaign_interactions_count(h), h.interactions.count(h.interactions.age >= 0))


def days_since_campaign(h: Histories) -> Numbers:
    """Days since the lead last came through a campaign; missing if it never did."""
    return h.interactions.days_since_last(_through_campaign(h))


def _through_campaign(h: Histories) -> Mask:
    campaign = h.interactions.texts["campaign"]
    return h.interactions.once(("through a campaign",), lambda: campaign.codes >= 0)
