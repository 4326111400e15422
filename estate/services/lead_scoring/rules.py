"""The score of a lead where no model is: points for what any agent would look at."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Frame, Numbers


def conversion_by_engagement(features: Frame) -> Numbers:
    """Start at 4 % and double for each sign of intent: a tour, a reply, a saved listing; in [0, 1].

    Examples
    --------
    >>> names = ("tours_count_7d", "replies_count_7d", "listing_saves_count_7d")
    >>> conversion_by_engagement(Frame.of({name: [0.0, 2.0] for name in names})).tolist()
    [0.04, 0.32]
    """
    signs = [features[name] > 0 for name in ("tours_count_7d", "replies_count_7d", "listing_saves_count_7d")]
    return np.minimum(0.04 * 2.0 ** np.sum(signs, axis=0, dtype=np.float64), 0.9)


def intent_by_looking(features: Frame) -> Numbers:
    """Start at 8 % and add for a tour, a saved listing, and views of homes; shape (n,), in [0, 1].

    Examples
    --------
    >>> names = ("tours_count_7d", "listing_saves_count_7d", "listing_views_count_7d")
    >>> intent_by_looking(Frame.of({name: [0.0, 9.0] for name in names})).round(3).tolist()
    [0.08, 0.5]
    """
    tours, saves = _counted(features, "tours_count_7d"), _counted(features, "listing_saves_count_7d")
    views = _counted(features, "listing_views_count_7d")
    return 0.08 + 0.2 * (tours > 0) + 0.12 * np.minimum(saves, 1) + 0.02 * np.minimum(views, 5)


def timing_by_plan(features: Frame) -> Numbers:
    """Take half of :func:`conversion_by_engagement`, and of that half again if the lead has months of time.

    Examples
    --------
    >>> names = ("tours_count_7d", "replies_count_7d", "listing_saves_count_7d")
    >>> rows = Frame.of({**{name: [2.0, 2.0] for name in names}, "timeline_days": [14.0, 365.0]})
    >>> timing_by_plan(rows).tolist()
    [0.16, 0.08]
    """
    soon = ~(features["timeline_days"] > 90)
    return conversion_by_engagement(features) * np.where(soon, 0.5, 0.25)


def qualification_by_budget(features: Frame) -> Numbers:
    """Rise from 10 % to 50 % as the budget reaches the area's prices, and by 25 % if the money is there.

    Examples
    --------
    >>> rows = {"budget_to_area_price": [0.5, 1.0, None], "financing": ["needs_loan", "cash", None]}
    >>> qualification_by_budget(Frame.of(rows)).round(3).tolist()
    [0.1, 0.75, 0.26]
    """
    reach = np.nan_to_num(features["budget_to_area_price"], nan=0.7)
    ready = np.isin(features["financing"].astype(str), ("cash", "preapproved"))
    return 0.1 + 0.4 * np.clip((reach - 0.5) / 0.5, 0.0, 1.0) + 0.25 * ready


def readiness_by_replies(features: Frame) -> Numbers:
    """Start at 15 %, add for replies and calls, less for each day of silence; shape (n,), in [0, 1].

    Examples
    --------
    >>> rows = {"replies_count_7d": [0.0, 3.0], "calls_count_7d": [0.0, 1.0]}
    >>> readiness_by_replies(Frame.of(rows | {"days_since_interaction": [None, 0.0]})).round(3).tolist()
    [0.15, 0.7]
    """
    talks = np.minimum(_counted(features, "replies_count_7d"), 3) + np.minimum(
        _counted(features, "calls_count_7d"), 1
    )
    fresh = 1.0 - np.clip(np.nan_to_num(features["days_since_interaction"], nan=7.0) / 7.0, 0.0, 1.0)
    return 0.15 + 0.1 * talks + 0.15 * fresh


def _counted(features: Frame, name: str) -> Numbers:
    counts: Numbers = np.maximum(np.nan_to_num(features[name]), 0.0)
    return counts
