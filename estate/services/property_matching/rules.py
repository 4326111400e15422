"""How well a home fits where no model is: near the budget, the bedrooms, the area, and what was looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Frame, Numbers


def closeness(features: Frame) -> Numbers:
    """Return how close homes are to what leads said and looked at; shape (n,), in [0, 1].

    What is not known neither helps nor harms. A home above the budget loses faster than one below it.
    """
    over = _first_known(features["price_to_budget_log"], features["price_to_looked_log"])
    price = np.exp(-0.5 * (over / np.where(over > 0, 0.2, 0.4)) ** 2)
    rooms = np.exp(-0.5 * (_first_known(features["bedrooms_to_wanted_difference"]) / 1.2) ** 2)
    place = np.clip(np.fmax(features["is_lead_area"], features["area_looks_share"]), 0.05, 1.0)
    apart = np.where(_seen(features), 0.0, _first_known(features["nearest_look_distance"], empty=2.0))
    like = np.exp(-np.maximum(apart, 0.0) / 3.0)
    return np.asarray(price * rooms * np.nan_to_num(place, nan=0.05) * (0.25 + 0.75 * like))


def choice_by_closeness(features: Frame) -> Numbers:
    """Chance that the lead looks at the home rather than at others: 1 to 60 %, by closeness.

    Examples
    --------
    >>> row = {"price_to_budget_log": [0.0, 0.7], "price_to_looked_log": [0.0, 0.7]}
    >>> row |= {"bedrooms_to_wanted_difference": [0.0, 2.0], "is_lead_area": [1.0, 0.0]}
    >>> row |= {"area_looks_share": [1.0, 0.0], "nearest_look_distance": [0.0, 6.0]}
    >>> row |= {f"same_home_{looks}_count": [0.0, 0.0] for looks in ("views", "saves", "tours")}
    >>> choice_by_closeness(Frame.of(row)).round(2).tolist()
    [0.6, 0.01]
    """
    return 0.01 + 0.59 * closeness(features)


def save_by_closeness(features: Frame) -> Numbers:
    """Chance that a home that is looked at is saved: 4 to 18 %, by closeness."""
    return 0.04 + 0.14 * closeness(features)


def tour_by_closeness(features: Frame) -> Numbers:
    """Chance that a home that is looked at is toured: 2 to 10 %, by closeness; twice that if it was saved."""
    saved = np.clip(np.nan_to_num(features["same_home_saves_count"]), 0.0, 1.0)
    return np.asarray((0.02 + 0.08 * closeness(features)) * (1.0 + saved))


def _seen(features: Frame) -> NDArray[np.bool_]:
    """Whether the lead has looked at this very home."""
    counts = [features[f"same_home_{looks}_count"] > 0 for looks in ("views", "saves", "tours")]
    return np.asarray(np.any(counts, axis=0))


def _first_known(*columns: Numbers, empty: float = 0.0) -> Numbers:
    found = columns[0]
    for other in columns[1:]:
        found = np.where(np.isnan(found), other, found)
    return np.nan_to_num(found, nan=empty)
