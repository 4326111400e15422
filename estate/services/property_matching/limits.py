"""Which homes come into question: limits that were given, and limits that the lead's record suggests."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from estate.features.homes import Offers
from estate.services.property_matching.schema import LeadNow, Relaxed, Request

OVER_BUDGET, FAR_OVER_BUDGET = 1.10, 1.30
AREA_SHARE = 0.1
"""An area counts as the lead's own if so much of what it looked at is there."""


@dataclass(frozen=True)
class Limits:
    """What a home must keep; None or empty: anything. Prices in USD."""

    max_price_usd: float | None = None
    areas: frozenset[str] = frozenset()
    least_bedrooms: float | None = None
    most_bedrooms: float | None = None

    def kept_by(self, offers: Offers) -> NDArray[np.bool_]:
        """Return which homes keep them; one whose price or area is not known does not, if that is limited."""
        kept = np.ones(len(offers), dtype=np.bool_)
        if self.max_price_usd is not None:
            kept &= offers.price_usd <= self.max_price_usd
        if self.areas:
            kept &= np.array([area in self.areas for area in offers.area.tolist()], dtype=np.bool_)
        if self.least_bedrooms is not None:
            kept &= offers.bedrooms >= self.least_bedrooms
        if self.most_bedrooms is not None:
            kept &= offers.bedrooms <= self.most_bedrooms
        return kept


def within_limits(
    request: Request, lead: LeadNow, offers: Offers
) -> tuple[NDArray[np.int64], tuple[Relaxed, ...]]:
    """Return the positions of the homes that come into question, and which inferred limits were widened.

    Bedrooms give way first, then the price up to 30 % above the budget, then the area; what the request
    gives never does.
    """
    limits, relaxed = limits_of(request, lead), []
    kept = limits.kept_by(offers)
    for name in ("bedrooms", "price", "area"):
        if kept.sum() >= request.k:
            break
        wider = _wider(limits, name, request, lead)
        if wider == limits:
            continue
        limits, found = wider, wider.kept_by(offers)
        if found.sum() > kept.sum():
            relaxed.append(name)
        kept = found
    return np.flatnonzero(kept), tuple(relaxed)  # type: ignore[arg-type]


def limits_of(request: Request, lead: LeadNow) -> Limits:
    """Return the limits before any of them gives way."""
    budget, wanted = _one(lead.wishes.budget_usd), _one(lead.wishes.bedrooms_wanted)
    given = request.min_bedrooms is not None
    return Limits(
        request.max_price_usd or (budget * OVER_BUDGET if budget is not None else None),
        frozenset(request.areas) or _areas(lead),
        request.min_bedrooms if given else (wanted - 1 if wanted is not None else None),
        None if given or wanted is None else wanted + 1,
    )


def _wider(limits: Limits, name: str, request: Request, lead: LeadNow) -> Limits:
    match name:
        case "bedrooms" if request.min_bedrooms is None:
            return replace(limits, least_bedrooms=None, most_bedrooms=None)
        case "price" if request.max_price_usd is None and limits.max_price_usd is not None:
            budget = _one(lead.wishes.budget_usd)
            return replace(limits, max_price_usd=budget * FAR_OVER_BUDGET if budget else None)
        case "area" if not request.areas:
            return replace(limits, areas=frozenset())
        case _:
            return limits


def _areas(lead: LeadNow) -> frozenset[str]:
    seen = [area for area in lead.looks.area.tolist() if area is not None]
    often = {area for area in set(seen) if seen.count(area) >= AREA_SHARE * len(seen)}
    said = lead.wishes.area[0]
    return frozenset(often | ({said} if said is not None else set()))


def _one(values: NDArray[np.float64]) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])
