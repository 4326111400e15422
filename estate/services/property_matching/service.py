"""From a lead and what is for sale to the homes that suit it: the same for one lead and for many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.features.homes import pairs_of
from estate.services.property_matching.diversity import chosen
from estate.services.property_matching.limits import within_limits
from estate.services.property_matching.model import CHOICE, INTEREST, VIEWING
from estate.services.property_matching.reasons import reasons_for
from estate.services.property_matching.schema import (
    Ask,
    Asked,
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
    asked: tuple[Asked, ...] = ()
    offers, popular = homes.offers.take(fitting), homes.popular[fitting]
    found: tuple[Match, ...] = ()
    if len(fitting):
        pairs = _pairs(lead, HomesNow(offers, popular))
        order = _asked(CHOICE, ask, pairs, lead)
        best = chosen(order.said.score, offers, k=request.k, diversity=request.diversity)
        offers, pairs = offers.take(best), pairs.take(best)
        asked = (_taken(order, best), *(_asked(spec, ask, pairs, lead) for spec in (INTEREST, VIEWING)))
        score, save, tour = (one.said.score for one in asked)
        reasons = [reasons_for(lead, offers, place, pairs) for place in range(len(best))]
        found = tuple(
            Match(
                str(offers.ids[i]),
                offers.area[i],
                offers.kind[i],
                _plain(offers.price_usd[i]),
                _plain(offers.bedrooms[i]),
                _plain(offers.living_area_sqft[i]),
                float(score[i]),
                float(save[i]),
                float(tour[i]),
                reasons[i],
            )
            for i in range(len(best))
        )
    return Matches(
        lead.lead_id,
        found,
        _basis(lead),
        relaxed,
        len(homes.offers),
        len(fitting),
        {one.spec.name: one.said.version for one in asked},
        asked,
    )


def match_many(request: Request, leads: Iterable[LeadNow], homes: HomesNow, ask: Ask) -> Iterator[Matches]:
    """Yield the homes that suit each of many leads; each as :func:`match` answers it alone."""
    for lead in leads:
        yield match(request, lead, homes, ask)


def by_rules(spec: ModelSpec, features: Frame, lead_id: str = "") -> Scored:
    """Answer for a model by its rules.

    Examples
    --------
    >>> row = {name: [0.0] for name in CHOICE.features.names}
    >>> by_rules(CHOICE, Frame.of(row)).version
    'rules'
    """
    del lead_id  # rules are the same for everybody
    assert spec.rules is not None
    return Scored(spec.rules(features))


def _pairs(lead: LeadNow, homes: HomesNow) -> Frame:
    n = len(homes.offers)
    nobody = np.zeros(n, dtype=np.int64)
    return pairs_of(lead.wishes, lead.looks, homes.offers, homes.popular, wish=nobody, offer=np.arange(n))


def _asked(spec: ModelSpec, ask: Ask, pairs: Frame, lead: LeadNow) -> Asked:
    features = spec.features.compute(pairs)
    return Asked(spec, features, ask(spec, features, lead.lead_id))


def _taken(asked: Asked, rows: NDArray[np.int64]) -> Asked:
    return replace(
        asked, features=asked.features.take(rows), said=replace(asked.said, score=asked.said.score[rows])
    )


def _basis(lead: LeadNow) -> Literal["looks", "wishes", "popularity"]:
    if len(lead.looks):
        return "looks"
    said = lead.wishes.area[0] is not None or not np.isnan(lead.wishes.budget_usd[0])
    return "wishes" if said or not np.isnan(lead.wishes.bedrooms_wanted[0]) else "popularity"


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
