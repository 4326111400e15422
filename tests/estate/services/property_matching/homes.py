"""A small market and leads of it, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from estate.features.events import DAY_US
from estate.features.homes import LOOKS, Looks, Offers, Wishes
from estate.services.property_matching.schema import HomesNow, LeadNow

NOW = int(datetime(2026, 5, 10, tzinfo=UTC).timestamp() * 1e6)
Home = tuple[str, str, str, float, float, float]
"""Id, area, kind, price, bedrooms, square feet."""

MARKET: tuple[Home, ...] = (
    ("a1", "Elm Park", "house", 400_000, 3, 1600),
    ("a2", "Elm Park", "condo", 380_000, 3, 1500),
    ("a3", "Elm Park", "house", 395_000, 3, 1620),
    ("a4", "Elm Park", "house", 900_000, 5, 3000),
    ("a5", "Elm Park", "townhouse", 250_000, 1, 700),
    ("b1", "Fox Run", "house", 400_000, 3, 1600),
    ("b2", "Fox Run", "condo", 300_000, 2, 1100),
    ("b3", "Fox Run", "house", 520_000, 4, 2200),
)


def market(homes: Sequence[Home] = MARKET, popular: Sequence[float] | None = None) -> HomesNow:
    """Return homes that came on the market thirty days ago."""
    ids, area, kind, price, bedrooms, sqft = (list(column) for column in zip(*homes, strict=True))
    n, then = len(homes), np.full(len(homes), NOW - 30 * DAY_US)
    offers = Offers(
        np.array(ids, dtype=object),
        np.arange(n),
        np.array(area, dtype=object),
        np.array(kind, dtype=object),
        np.array(price, dtype=np.float64),
        np.array(bedrooms, dtype=np.float64),
        np.array(sqft, dtype=np.float64),
        then,
        then,
        np.full(n, np.iinfo(np.int64).max),
    )
    return HomesNow(offers, np.array(popular if popular is not None else [0.0] * n))


def lead(
    *looks: tuple[str, str, float],
    area: str | None = "Elm Park",
    budget: float = 420_000.0,
    bedrooms: float = 3.0,
    homes: Sequence[Home] = MARKET,
) -> LeadNow:
    """Return a lead; each look is a kind, a home of the market, and days ago."""
    of = {home[0]: home for home in homes}
    looks = tuple(sorted(looks, key=lambda look: -look[2]))
    seen = [of[name] for _, name, _ in looks]
    at = np.array([NOW - int(days * DAY_US) for _, _, days in looks], dtype=np.int64)
    wishes = Wishes(
        np.zeros(1, dtype=np.int64),
        np.array([NOW]),
        np.array([area], dtype=object),
        np.array([budget]),
        np.array([bedrooms]),
    )
    columns = [np.array([home[i] for home in seen], dtype=np.float64) for i in (3, 4, 5)]
    return LeadNow(
        "lead-1",
        wishes,
        Looks(
            1,
            np.zeros(len(seen), dtype=np.int64),
            np.array([LOOKS.index(kind) for kind, _, _ in looks], dtype=np.int64),
            at,
            at,
            np.array([home[0] for home in seen], dtype=object),
            np.array([home[1] for home in seen], dtype=object),
            np.array([home[2] for home in seen], dtype=object),
            *columns,
        ),
    )
