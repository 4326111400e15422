"""What each lead likes in a home, which nobody sees, and which homes it therefore looks at.

A lead chooses among the homes that are for sale in its own area and in one other. The chance of each is a
softmax of a known utility, so the best possible ranking of homes is known as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from estate.core.frame import Numbers
from estate.datasets.world.market import AREA_PRICE_USD, AREAS, KINDS, Properties
from estate.datasets.world.people import People
from estate.datasets.world.world import DAY, Micros, World

SHARPNESS = {"listing_view": 1.0, "listing_save": 1.7, "tour": 2.2}
"""How much the utility counts for each kind of look: what is saved or toured is chosen with more care."""
SEEN_BEFORE = 3.0
"""Log-odds that a home which the lead has looked at before gains for being saved or toured."""

_TASTES, _CHARM = 5, 6
_DRAWS = 6 + len(KINDS)
_OTHER_AREA = -1.6
_OVER, _UNDER = 0.18, 0.35  # log price above and below what the lead has in mind
_BEDROOMS = 0.9
_NEW, _NEW_DAYS = 0.8, 10.0


@dataclass(frozen=True)
class Tastes:
    """Hidden preferences of n leads, and the hidden charm of m homes.

    Parameters
    ----------
    area, other_area : int64 arrays of shape (n,)
        Where the lead looks, and where it looks less.
    price_usd, bedrooms : float64 arrays of shape (n,)
        What it has in mind; near its budget and its wish, if it said any.
    space : float64 array of shape (n,)
        How much it likes homes that are large for their bedrooms; negative if it likes them small.
    kind : float64 array of shape (n, 3)
        How much it likes each of :data:`~.market.KINDS`.
    charm : float64 array of shape (m,)
        What pictures show and no column tells: the same for all leads.
    """

    area: NDArray[np.int64]
    other_area: NDArray[np.int64]
    price_usd: Numbers
    bedrooms: Numbers
    space: Numbers
    kind: NDArray[np.float64]
    charm: Numbers

    def utility(
        self, listed: Properties, lead: NDArray[np.int64], home: NDArray[np.int64], at: Micros
    ) -> Numbers:
        """Return the utility of homes for leads at given times; the arrays are broadcast.

        Parameters
        ----------
        listed : Properties
        lead, home : int64 arrays
            Positions of leads and of homes.
        at : int64 array
            Microseconds since the beginning of the world.

        Returns
        -------
        float64 array
            Log-odds of being viewed; minus infinity in an area where the lead does not look.
        """
        place = listed.area[home]
        off = np.log(listed.price_usd[home] / self.price_usd[lead])
        price = -0.5 * (off / np.where(off > 0, _OVER, _UNDER)) ** 2
        bedrooms = -0.5 * ((listed.bedrooms[home] - self.bedrooms[lead]) / _BEDROOMS) ** 2
        roomy = np.log(listed.living_area_sqft[home] / (420 * listed.bedrooms[home] + 300)) / 0.18
        fresh = _NEW * np.exp(-np.maximum(at - listed.event_at[home], 0) / (_NEW_DAYS * DAY))
        own = self.space[lead] * roomy + self.kind[lead, listed.kind[home]] + self.charm[home]
        where = np.where(place == self.other_area[lead], _OTHER_AREA, -np.inf)
        return np.asarray(price + bedrooms + own + fresh + np.where(place == self.area[lead], 0.0, where))


def have_tastes(world: World, people: People, listed: Properties) -> Tastes:
    """Return what the leads like, whichever days are simulated."""
    u = np.empty((len(people), _DRAWS))
    for day in np.unique(people.day).tolist():
        here = np.flatnonzero(people.day == day)
        u[here] = world.stream(_TASTES, int(day)).random((len(here), _DRAWS))
    z = ndtri(u)
    typical = AREA_PRICE_USD[people.area] * np.exp(0.35 * z[:, 0])
    near = people.budget_usd * np.exp(0.12 * z[:, 0] - 0.05)
    step = 1 + (u[:, 1] * (len(AREAS) - 1)).astype(np.int64)
    return Tastes(
        area=people.area,
        other_area=(people.area + step) % len(AREAS),
        price_usd=np.where(np.isnan(people.budget_usd), typical, near),
        bedrooms=people.bedrooms_wanted + 0.5 * z[:, 2],
        space=0.5 * z[:, 3],
        kind=z[:, 6:],
        charm=_charm(world, listed),
    )


def _charm(world: World, listed: Properties) -> Numbers:
    charm = np.empty(len(listed.day))
    for day in np.unique(listed.day).tolist():
        here = np.flatnonzero(listed.day == day)
        draws = world.stream(_CHARM, int(day)).random(int(listed.number[here].max()) + 1)
        charm[here] = 0.6 * ndtri(draws[listed.number[here]])
    return charm
