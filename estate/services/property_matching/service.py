"""From a lead and what is for sale to the homes that suit it: the same for one lead and for many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.features.homes import pairs_of
from estate.services.property_matching.diversity import chosen
from estate.services.property_matching.limits import within_limits
from estate.services.property_matching.model import CHOICE, INTEREST, VIEWING
from estate.services.property_matching.reasons import reasons_for
from estate.services.property_matching.schema import (
    Ask,
    HomesNow,
    LeadNow,
    Match,
    Matches,
    Request,
    Scored,
)


def match(request: Request, lead: LeadNow, homes: HomesNow, ask: Ask) -> Matches:
    """Return the homes that suit one lead, best first.

    A lead that has looked at nothing is matched by what it said; one that said nothing either by what others
    look at. A home that nobody has looked at yet stands by its likeness to what the lead looked at.

    Parameters
    ----------
    request : Request
    lead : LeadNow
    homes : HomesNow
    ask : callable
        What answers for a model; asked about all homes within the limits once for the order, and about those
        chosen for the chances.
    """
    fitting, relaxed = within_limits(request, lead, homes.offers)
    sources: dict[str, str] = {}
    offers, popular = homes.offers.take(fitting), homes.popular[fitting]
    found: tuple[Match, ...] = ()
    if len(fitting):
        pairs = _pairs(lead, HomesNow(offers, popular))
        score = _scored(CHOICE, ask, pairs, sources).score
        best = chosen(score, offers, k=request.k, diversity=request.diversity)
        offers, pairs = offers.take(best), pairs.take(best)
        save, tour = (_scored(spec, ask, pairs, sources).score for spec in (INTEREST, VIEWING))
        reasons = [reasons_for(lead, offers, place, pairs) for place in range(len(best))]
        found = tuple(
            Match(
                str(offers.ids[i]),
                offers.area[i],
                offers.kind[i],
                _plain(offers.price_usd[i]),
                _plain(offers.bedrooms[i]),
                _plain(offers.living_area_sqft[i]),
                float(score[best[i]]),
                float(save[i]),
                float(tour[i]),
                reasons[i],
            )
            for i in range(len(best))
        )
    return Matches(lead.lead_id, found, _basis(lead), relaxed, len(homes.offers), len(fitting), sources)


def match_many(request: Request, leads: Iterable[LeadNow], homes: HomesNow, ask: Ask) -> Iterator[Matches]:
    """Yield the homes that suit each of many leads; each as :func:`match` answers it alone."""
    for lead in leads:
        yield match(request, lead, homes, ask)


def by_rules(spec: ModelSpec, features: Frame) -> Scored:
    """Answer for a model by its rules.

    Examples
    --------
    >>> row = {name: [0.0] for name in CHOICE.features.names}
    >>> by_rules(CHOICE, Frame.of(row)).source
    'rules'
    """
    assert spec.rules is not None
    return Scored(spec.rules(features), "rules")


def _pairs(lead: LeadNow, homes: HomesNow) -> Frame:
    n = len(homes.offers)
    nobody = np.zeros(n, dtype=np.int64)
    return pairs_of(lead.wishes, lead.looks, homes.offers, homes.popular, wish=nobody, offer=np.arange(n))


def _scored(spec: ModelSpec, ask: Ask, pairs: Frame, sources: dict[str, str]) -> Scored:
    found = ask(spec, spec.features.compute(pairs))
    sources[spec.name] = found.version if found.source == "model" else "rules"
    return found


def _basis(lead: LeadNow) -> Literal["looks", "wishes", "popularity"]:
    if len(lead.looks):
        return "looks"
    said = lead.wishes.area[0] is not None or not np.isnan(lead.wishes.budget_usd[0])
    return "wishes" if said or not np.isnan(lead.wishes.bedrooms_wanted[0]) else "popularity"


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
