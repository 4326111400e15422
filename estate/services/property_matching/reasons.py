"""Why a home fits, in words: only what the lead's own record says, nothing that a model guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from estate.core.frame import Frame
from estate.features.homes.looks import LOOKS, Looks
from estate.features.homes.offers import Offers
from estate.features.homes.pairs import distance
from estate.services.property_matching.schema import LeadNow

MOST = 4
_LIKE = 1.0  # a bedroom, or a fifth of the price, apart
_DONE = {"listing_view": "looked at", "listing_save": "saved", "tour": "toured"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def reasons_for(lead: LeadNow, offers: Offers, place: int, pairs: Frame) -> tuple[str, ...]:
    """Return why one home fits the lead, most telling first, at most four.

    Parameters
    ----------
    lead : LeadNow
    offers : Offers
        The homes of the pairs.
    place : int
        Which of them.
    pairs : Frame
        The raw columns of the lead with each home.
    """
    row = {name: values[place] for name, values in pairs.columns.items()}
    looks = lead.looks
    said = [
        _known_already(looks, offers, place),
        _alike(looks, offers, place),
        _area(looks, row["home_area"], row["lead_area"]),
        _bedrooms(row["home_bedrooms"], row["bedrooms_wanted"]),
        _price(row["home_price_usd"], row["budget_usd"]),
        _kind(looks, row["home_kind"]),
        _new(row["home_days_listed"], int(offers.listed_at[place])),
        _popular(looks, row["home_looks_count_14d"]),
    ]
    return tuple([one for one in said if one])[:MOST]


def _known_already(looks: Looks, offers: Offers, place: int) -> str | None:
    own = np.flatnonzero(looks.home == offers.ids[place])
    if not len(own):
        return None
    most = own[np.lexsort((looks.happened_at[own], looks.kind[own]))[-1]]
    if looks.kind[most] == 0 and len(own) > 1:
        return f"you looked at it {len(own)} times"
    return f"you {_DONE[LOOKS[looks.kind[most]]]} it on {_day(int(looks.happened_at[most]))}"


def _alike(looks: Looks, offers: Offers, place: int) -> str | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = distance(
            looks.price_usd / offers.price_usd[place],
            looks.bedrooms - offers.bedrooms[place],
            looks.living_area_sqft / offers.living_area_sqft[place],
        )
    near = np.flatnonzero((apart <= _LIKE) & (looks.home != offers.ids[place]))
    if not len(near):
        return None
    best = near[np.lexsort((looks.happened_at[near], looks.kind[near]))[-1]]
    return f"like the home you {_DONE[LOOKS[looks.kind[best]]]} on {_day(int(looks.happened_at[best]))}"


def _area(looks: Looks, area: str | None, said: str | None) -> str | None:
    if area is None:
        return None
    seen = {
        name: place for name, place in zip(looks.home.tolist(), looks.area.tolist(), strict=True) if place
    }
    here = sum(place == area for place in seen.values())
    if here >= 2:
        return f"in {area}, where you looked at {here} of {len(seen)} homes"
    return f"in {area}, as you asked" if area == said else None


def _bedrooms(found: float, wanted: float) -> str | None:
    if found != wanted:
        return None
    return f"{found:g} bedroom{'' if found == 1 else 's'}, as you asked"


def _price(price: float, budget: float) -> str | None:
    """Say how a price stands to the budget.

    Examples
    --------
    >>> _price(460_000.0, 500_000.0), _price(498_000.0, 500_000.0), _price(510_000.0, 500_000.0)
    ('8 % under your budget', 'within your budget', None)
    """
    if not price <= budget:
        return None
    under = round(100 * (1 - price / budget))
    return f"{under} % under your budget" if under >= 2 else "within your budget"


def _kind(looks: Looks, kind: str | None) -> str | None:
    seen = {name: one for name, one in zip(looks.home.tolist(), looks.home_kind.tolist(), strict=True) if one}
    same = sum(one == kind for one in seen.values())
    if kind is None or len(seen) < 3 or same < 0.6 * len(seen):
        return None
    return f"a {kind}, like {same} of the {len(seen)} homes you looked at"


def _new(days: float, listed_at: int) -> str | None:
    return f"new on the market since {_day(listed_at)}" if days < 7 else None


def _popular(looks: Looks, count: float) -> str | None:
    if len(looks) or not count >= 10:
        return None
    return f"looked at {count:.0f} times in the last two weeks"


def _day(moment: int) -> str:
    when = _EPOCH + timedelta(microseconds=moment)
    return f"{when.day} {when:%B}"
