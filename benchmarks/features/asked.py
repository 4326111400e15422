"""The hundred features that everybody computes, and those that a feature store can join."""

from __future__ import annotations

from estate.core.feature_set import FeatureSet
from estate.features import communication, engagement, habits, market, preference
from estate.features.dictionary import all_features

_LEFT_OUT = frozenset(
    (
        # hours to the next answer: one more window for each peer to write
        "response_hours_mean", "response_hours_max", "unanswered_count", "unanswered_by_lead_count",
        "lead_response_hours_mean", "lead_response_hours_last",
        # days in a row, likewise
        "active_streak_days_last", "active_streak_days_max",
        # time zones, seasons, texts and the market
        "season_sin", "season_cos", "local_weekday", "created_local_hour", "created_local_weekday",
        "is_created_at_weekend", "is_created_in_office_hours", "lead_source", "lead_area", "financing",
        "lead_campaign", "campaigns_count", "campaign_interactions_count", "campaign_interactions_count_21d",
        "campaign_interactions_share", "days_since_campaign",
        "market_index", "market_index_change_30d", "market_index_change_90d", "market_index_change_365d",
        "area_price_median_usd", "area_price_change_90d", "area_homes_count", "area_homes_change_30d",
        "area_for_sale_count", "area_new_listings_count_30d", "area_sold_count_90d", "area_supply_months",
        "area_days_on_market", "area_days_to_sale_90d",
        "message_sentiment_mean", "message_sentiment_mean_21d",
        "message_sentiment_last", "message_sentiment_min_21d", "message_sentiment_change_7d",
        "budget_to_area_price", "timeline_days", "is_budget_known", "budget_per_bedroom_usd",
        "budget_to_viewed_price", "budget_usd", "bedrooms_wanted",
    )
)  # fmt: skip

ASKED = FeatureSet(numbers=tuple(one for one in all_features() if one.__name__ not in _LEFT_OUT))

RUNNING = FeatureSet(
    numbers=(
        engagement.interactions_count,
        engagement.days_since_interaction,
        habits.homes_seen_count,
        preference.viewed_price_min_usd,
        preference.viewed_price_max_usd,
        communication.messages_in_count,
        communication.messages_out_count,
        communication.message_length_last,
        communication.message_length_max,
        communication.email_share,
        market.market_index,
    )
)
"""Features without a window: each follows from the newest of the values that were kept at every fact."""
