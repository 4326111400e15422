"""Real stays in Albany (Inside Airbnb): at which listing that is new to it does a guest stay next?

Learned from stays before the cut; the listings' own columns are those that hardly change: place, size, kind,
host. Prices, ratings and counts of the snapshot are left out, since they were taken after the test's stays.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.matching.ranks import Queries
from estate.core.errors import DataError
from estate.core.frame import Numbers

CUT = pd.Timestamp("2024-05-01")
_DAY0 = pd.Timestamp("2014-01-01")
_ROOT = Path(__file__).resolve().parents[2]
_KM = 111.2
_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """A guest who stays at a listing that is new to it.

    Parameters
    ----------
    day : int
        As of when it is asked.
    history : int64 array
        Listings of its earlier stays, oldest first.
    since : int
        Day of the last of them.
    target : int
    """

    day: int
    history: _Rows
    since: int
    target: int


class Stays:
    """Stays and listings; days are counted from 2014, listings by their place among the ids."""

    def __init__(self, folder: Path) -> None:
        listings = pd.read_csv(folder / "listings.csv.gz").set_index("id")
        stays = pd.read_csv(folder / "stays.csv.gz", parse_dates=["date"])
        stays = stays[stays["listing_id"].isin(listings.index)]
        self.table = stays.sort_values(["date", "guest_id", "listing_id"]).reset_index(drop=True)
        ids = np.array(sorted(self.table["listing_id"].unique()))
        self.own = listings.loc[ids]
        self.listing = np.searchsorted(ids, self.table["listing_id"].to_numpy())
        self.day = ((self.table["date"] - _DAY0).dt.days).to_numpy().astype(np.int64)
        self.guest = pd.factorize(self.table["guest_id"])[0]
        self.days_of = [np.sort(self.day[self.listing == place]) for place in range(len(ids))]
        self.first_day = np.array([days[0] for days in self.days_of])

    def asked_as_of(self, cut: int, until: int) -> list[Asked]:
        """Return the first stay at a new listing, after the cut, of each guest that was known by then."""
        before, made, done = self.day < cut, [], set()
        own = dict(self._rows_of_guests(before))
        known = set(self.listing[before].tolist())
        for row in np.flatnonzero((self.day >= cut) & (self.day < until)).tolist():
            guest, target = int(self.guest[row]), int(self.listing[row])
            if guest in done or guest not in own or target not in known:
                continue
            history = self.listing[own[guest]]
            if target not in history:
                made.append(Asked(cut, history, int(self.day[own[guest]].max()), target))
                done.add(guest)
        return made

    def asked_before(self, cut: int) -> list[Asked]:
        """Return every stay at a new listing before the cut, as of its own day: what can be learned from."""
        made = []
        for _, rows in self._rows_of_guests(self.day < cut):
            for row in rows[1:].tolist():
                earlier = rows[self.day[rows] < self.day[row]]
                target = int(self.listing[row])
                new = len(earlier) and target not in self.listing[earlier]
                if new and self.first_day[target] < self.day[row]:
                    history, since = self.listing[earlier], int(self.day[earlier].max())
                    made.append(Asked(int(self.day[row]), history, since, target))
        return made

    def _rows_of_guests(self, rows: NDArray[np.bool_]) -> list[tuple[int, _Rows]]:
        place = np.flatnonzero(rows)
        order = place[np.argsort(self.guest[place], kind="stable")]
        edges = np.flatnonzero(np.diff(self.guest[order])) + 1
        return [(int(self.guest[part[0]]), part) for part in np.split(order, edges) if len(part)]


def read() -> Stays:
    """Read the two files.

    Raises
    ------
    DataError
        If they are not there.
    """
    folder = Path(os.environ.get("LEADLOOP_PUBLIC_DATA", _ROOT.parent / "shared" / "data"))
    folder = folder / "realestate_airbnb_albany"
    if not (folder / "stays.csv.gz").exists():
        raise DataError(f"{folder}", expected="listings.csv.gz and stays.csv.gz", got="none")
    return Stays(folder)


class Columns:
    """What is known of a guest and each listing as of a day."""

    def __init__(self, stays: Stays) -> None:
        own = stays.own
        self.stays = stays
        north, east = own["latitude"].to_numpy() * _KM, own["longitude"].to_numpy() * _KM * np.cos(0.7444)
        self.km = np.hypot(north[:, None] - north, east[:, None] - east)
        self.sleeps, self.bedrooms = own["accommodates"].to_numpy(float), own["bedrooms"].to_numpy(float)
        host = own["host_since"].astype(str) + own["calculated_host_listings_count"].astype(str)
        texts = (own["room_type"], own["property_type"], own["neighbourhood_cleansed"], host)
        self.codes = [pd.factorize(column)[0] for column in texts]
        self.market, self.together = cache(self._market), cache(self._together)

    def queries(self, asked: list[Asked]) -> tuple[Numbers, Queries]:
        """Return a row for each listing that could be chosen, and which one was."""
        blocks, right, query = [], [], []
        for number, one in enumerate(asked):
            free = np.flatnonzero(self.stays.first_day < one.day)
            free = free[~np.isin(free, one.history)]
            blocks.append(self.rows(one, free))
            right.append(free == one.target)
            query.append(np.full(len(free), number))
        return np.concatenate(blocks), Queries(np.concatenate(query), np.concatenate(right))

    def rows(self, one: Asked, free: _Rows) -> Numbers:
        """Return columns of shape (listings, columns); the first six are of the listing alone."""
        seen, last = one.history, one.history[-1]
        near = self.km[seen][:, free]
        same = [(code[seen][:, None] == code[free]).mean(axis=0) for code in self.codes]
        sleeps = self.sleeps[free] - self.sleeps[last]
        rooms = self.bedrooms[free] - self.bedrooms[last]
        beside = self.together(one.day // 30 * 30)[seen][:, free].sum(axis=0)
        of_guest = np.broadcast_to([len(set(seen.tolist())), one.day - one.since], (len(free), 2))
        distances = [near[-1], near.min(axis=0), near.mean(axis=0)]
        sizes = [sleeps, np.abs(sleeps), rooms, np.abs(rooms), self.sleeps[free]]
        return np.column_stack([self.market(one.day)[free], *distances, *sizes, *same, beside, of_guest])

    def _market(self, day: int) -> Numbers:
        """Stays in the last 30, 90, 180 and 365 days, days since the last and since the first."""
        made = []
        for days in self.stays.days_of:
            now = np.searchsorted(days, day)
            counts = [now - np.searchsorted(days, day - span) for span in (30, 90, 180, 365)]
            made.append([*counts, day - days[now - 1] if now else 9999, day - days[0]])
        return np.array(made, dtype=np.float64)

    def _together(self, day: int) -> Numbers:
        """How often two listings have a guest in common, over the root of both their stays."""
        n = len(self.stays.first_day)
        both, before = np.zeros((n, n)), self.stays.day < day
        pairs = pd.DataFrame({"guest": self.stays.guest[before], "listing": self.stays.listing[before]})
        pairs = pairs.drop_duplicates()
        for _, group in pairs[pairs["guest"].duplicated(keep=False)].groupby("guest")["listing"]:
            both[np.ix_(group.to_numpy(), group.to_numpy())] += 1
        np.fill_diagonal(both, 0)
        size = np.bincount(self.stays.listing[before], minlength=n) + 5.0
        return np.asarray(both / np.sqrt(np.outer(size, size)))


def day_of(moment: pd.Timestamp) -> int:
    """Return the day of a moment."""
    return int((moment - _DAY0).days)
