"""What is known of a lead and a home together at one moment: the raw columns that pair features read.

The same function makes them for a million rows to learn from and for all homes that are for sale as one lead
asks. Nothing is seen that was not known at the row's moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories, Column, Frame, Numbers
from estate.features.events import DAY_US, Micros, divide
from estate.features.homes.looks import LOOKS, Looks
from estate.features.homes.offers import Offers

WEIGHTS = (1.0, 2.0, 3.0)
"""How much a view, a save and a tour say about what a lead likes."""

_Rows = NDArray[np.int64]


class Pairs(Protocol):
    """Rows of one lead and one home each; columns by name, as :func:`pairs_of` makes them."""

    def __getitem__(self, name: str) -> Column: ...


@dataclass(frozen=True)
class Wishes:
    """What n leads said that they want, each as of its moment; arrays of shape (n,).

    Parameters
    ----------
    lead : int64 array
        Position among the leads of the looks.
    moment : int64 array
        Microseconds since 1970, UTC.
    area : object array
    budget_usd, bedrooms_wanted : float64 arrays
        NaN where the lead did not say.
    """

    lead: _Rows
    moment: Micros
    area: Categories
    budget_usd: Numbers
    bedrooms_wanted: Numbers


def pairs_of(  # noqa: PLR0913  two sides, and which of them are paired
    wishes: Wishes, looks: Looks, offers: Offers, popular: Numbers, *, wish: _Rows, offer: _Rows
) -> Frame:
    """Return the raw columns of m pairs.

    Parameters
    ----------
    wishes, looks, offers : Wishes, Looks, Offers
    popular : float64 array of shape (m,)
        How often the home of each pair was looked at lately; see :func:`~.looks.popularity`.
    wish, offer : int64 arrays of shape (m,)
        Positions of each pair's two sides.
    """
    history = _History(wishes, looks)
    columns: dict[str, Column] = {
        "lead_area": wishes.area[wish],
        "budget_usd": wishes.budget_usd[wish],
        "bedrooms_wanted": wishes.bedrooms_wanted[wish],
        "home_area": offers.area[offer],
        "home_kind": offers.kind[offer],
        "home_price_usd": offers.price_usd[offer],
        "home_bedrooms": offers.bedrooms[offer],
        "home_living_area_sqft": offers.living_area_sqft[offer],
        "home_days_listed": np.maximum(wishes.moment[wish] - offers.listed_at[offer], 0) / DAY_US,
        "home_looks_count_14d": popular,
    }
    columns |= {name: values[wish] for name, values in history.of_leads().items()}
    columns |= history.of_pairs(wish, offers, offer)
    return Frame(columns, len(wish))


class _History:
    """The looks that are known at each wish's moment."""

    def __init__(self, wishes: Wishes, looks: Looks) -> None:
        self._wishes, self._looks = wishes, looks
        self._first, self._last = looks.before(wishes.lead, wishes.moment)
        self._weight = np.array(WEIGHTS)[looks.kind]

    def of_leads(self) -> dict[str, Numbers]:
        """Weighted means of what was looked at, and how many looks there are; shape (wishes,)."""
        looks, n = self._looks, len(self._wishes.lead)
        row, look = self._expanded(np.arange(n))
        weight = self._weight[look]
        made = {"looks_count": np.bincount(row, minlength=n).astype(np.float64)}
        made["looked_weight"] = _total(row, weight, n)
        values = {
            "looked_price_usd": np.log(looks.price_usd),
            "looked_bedrooms": looks.bedrooms,
            "looked_living_area_sqft": np.log(looks.living_area_sqft),
            "looked_sqft_per_bedroom": np.log(divide(looks.living_area_sqft, looks.bedrooms)),
        }
        for name, each in values.items():
            mean = _mean(row, weight, each[look], n)
            made[name] = mean if name == "looked_bedrooms" else np.exp(mean)
        off = np.log(looks.price_usd)[look] - np.log(made["looked_price_usd"])[row]
        made["looked_price_spread"] = np.sqrt(_mean(row, weight, off * off, n))
        return made

    def of_pairs(self, wish: _Rows, offers: Offers, offer: _Rows) -> dict[str, Numbers]:
        """What was looked at beside each pair's home: of its area, of its kind, the same; shape (pairs,)."""
        looks, m = self._looks, len(wish)
        row, look = self._expanded(wish)
        weight = self._weight[look]
        home = _Codes(looks.home, offers.ids)
        area, kind = _Codes(looks.area, offers.area), _Codes(looks.home_kind, offers.kind)
        same = home.same(look, offer[row])

        def total(where: NDArray[np.bool_], values: Numbers | None = None) -> Numbers:
            weights = where.astype(np.float64) if values is None else np.where(where, values, 0.0)
            return np.bincount(row, weights=weights, minlength=m).astype(np.float64)

        made = {
            "same_area_weight": total(area.same(look, offer[row]), weight),
            "same_kind_weight": total(kind.same(look, offer[row]), weight),
        }
        for code, name in enumerate(
            ("same_home_views_count", "same_home_saves_count", "same_home_tours_count")
        ):
            made[name] = total(same & (looks.kind[look] == code))
        made["nearest_look_distance"] = self._nearest(row, look, offers, offer, ~same)
        return made

    def _nearest(
        self, row: _Rows, look: _Rows, offers: Offers, offer: _Rows, other: NDArray[np.bool_]
    ) -> Numbers:
        apart = distance(
            self._looks.price_usd[look] / offers.price_usd[offer][row],
            self._looks.bedrooms[look] - offers.bedrooms[offer][row],
            self._looks.living_area_sqft[look] / offers.living_area_sqft[offer][row],
        )
        nearest = np.full(len(offer), np.inf)
        known = other & ~np.isnan(apart)
        np.minimum.at(nearest, row[known], apart[known])
        return np.where(np.isinf(nearest), np.nan, nearest)

    def _expanded(self, wish: _Rows) -> tuple[_Rows, _Rows]:
        """Pairs of a row and one of its looks, each row's in the order in which they happened."""
        first, count = self._first[wish], (self._last - self._first)[wish]
        row = np.repeat(np.arange(len(wish)), count)
        step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        look = np.repeat(first, count) + step
        order = np.lexsort((self._looks.happened_at[look], row))
        return row, look[order]


def distance(price_ratio: Numbers, bedrooms: Numbers, sqft_ratio: Numbers) -> Numbers:
    """Return how unlike two homes are: 1 is a fifth in price, a bedroom, or a fifth in living area.

    Examples
    --------
    >>> distance(np.array([1.0, 1.2]), np.array([0.0, 1.0]), np.array([1.0, 1.0])).round(2).tolist()
    [0.0, 1.41]
    """
    step = np.log(1.2)
    price, sqft = np.log(price_ratio) / step, np.log(sqft_ratio) / step
    return np.asarray(np.sqrt(price**2 + bedrooms**2 + sqft**2))


class _Codes:
    """Two columns of texts, coded by one list of names."""

    def __init__(self, left: Categories, right: Categories) -> None:
        names = {name: code for code, name in enumerate(dict.fromkeys(right.tolist()))}
        self._left = np.array([names.get(name, -1) for name in left.tolist()], dtype=np.int64)
        self._right = np.array([names[name] for name in right.tolist()], dtype=np.int64)
        if None in names:
            self._left[self._left == names[None]] = -1

    def same(self, left: _Rows, right: _Rows) -> NDArray[np.bool_]:
        """Return where the texts at some positions are the same, and known."""
        return np.asarray(self._left[left] == self._right[right])


def _mean(row: _Rows, weight: Numbers, values: Numbers, n: int) -> Numbers:
    known = ~np.isnan(values)
    return divide(_total(row[known], (weight * values)[known], n), _total(row[known], weight[known], n))


def _total(row: _Rows, values: Numbers, n: int) -> Numbers:
    return np.bincount(row, weights=values, minlength=n).astype(np.float64)


__all__ = ["LOOKS", "WEIGHTS", "Pairs", "Wishes", "distance", "pairs_of"]
