"""From the facts of leads and homes to rows of pairs with their labels, each as of its own moment."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import SpecError
from estate.core.frame import Categories, Numbers
from estate.core.model_spec import PairSource
from estate.core.pair_id import pair_id
from estate.features.events import DAY_US, Micros
from estate.features.fact_columns import FactColumns
from estate.features.homes import LOOKS, Looks, Offers, Wishes, pairs_of
from estate.features.homes.looks import popularity
from estate.store.database import Database
from estate.store.facts import read_fact_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MOST_LOOKS = 100_000
"""The newest looks that are learned from."""

_AT_ONCE = 512
_KINDS = ("leads", "interactions", "properties", "listings")
_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class PairLabels:
    """What became of n pairs, without their features.

    Parameters
    ----------
    names : object array of shape (n,)
        A :func:`~estate.core.pair_id.pair_id` each.
    moment : int64 array of shape (n,)
        Microseconds since 1970, UTC.
    label : float64 array of shape (n,)
        0 or 1, as it is known; nothing says whether the horizon is over.
    happened_at, known_at : int64 array of shape (looks,)
        Of every look at a home since then: how late the desk learns of them.
    """

    names: Categories
    moment: Micros
    label: Numbers
    happened_at: Micros
    known_at: Micros


def read_pairs(source: PairSource, database: Database, *, as_of: datetime) -> pd.DataFrame:
    """Read the facts that are known at ``as_of`` and make the source's rows; see :func:`pair_table`."""
    return pair_table(source, _facts(database, as_of))


def read_pair_labels(source: PairSource, database: Database, *, as_of: datetime, since: int) -> PairLabels:
    """Return names, moments and labels of rows as :func:`read_pairs` makes them, of every look since then.

    Parameters
    ----------
    source : PairSource
    database : Database
    as_of : datetime
    since : int
        Microseconds since 1970. Without features a row costs little, so there is no limit to their number.
    """
    rows = _rows_of(source, _tables(_facts(database, as_of)), since=since)
    new = rows.looks.happened_at >= since
    return PairLabels(
        np.array(rows.names(), dtype=object),
        rows.moment[rows.wish],
        rows.label,
        rows.looks.happened_at[new],
        rows.looks.known_at[new],
    )


def _facts(database: Database, as_of: datetime) -> dict[str, pa.Table]:
    return {
        kind: read_fact_table(database, kind, as_of=as_of, versions=kind != "interactions") for kind in _KINDS
    }


def _tables(facts: Mapping[str, pa.Table | pd.DataFrame]) -> dict[str, FactColumns]:
    return {kind: FactColumns(facts[kind]) for kind in _KINDS}


def pair_table(source: PairSource, facts: Mapping[str, pa.Table | pd.DataFrame]) -> pd.DataFrame:
    """Return one row for each look that could be followed by the outcome, and for each home beside it.

    Parameters
    ----------
    source : PairSource
    facts : mapping of str to pyarrow.Table or DataFrame
        ``leads``, ``interactions``, ``properties``, ``listings``; with ``superseded_at`` where there are
        several versions.

    Returns
    -------
    DataFrame
        The columns of :func:`~estate.features.homes.pairs_of`, ``pair_id``, ``moment``, ``label`` and
        ``look``, the same number for a look and the homes beside it.

    Raises
    ------
    SpecError
        If the outcome is no look at a home.
    """
    tables = _tables(facts)
    rows = _rows_of(source, tables)
    wishes = _wishes(tables["leads"], rows.lead_ids, rows.lead, rows.moment)
    moment = rows.moment[rows.wish]
    popular = popularity(rows.looks, rows.offers.ids[rows.offer], moment)
    frame = pairs_of(wishes, rows.looks, rows.offers, popular, wish=rows.wish, offer=rows.offer)
    import pandas as pd

    return pd.DataFrame(
        {
            **frame.columns,
            "pair_id": rows.names(),
            "moment": pd.to_datetime(moment, unit="us", utc=True),
            "label": rows.label,
            "look": rows.wish,
        }
    )


@dataclass(frozen=True)
class _PairRows:
    """Rows by position: looks (``lead``, ``moment``), and for each row its look (``wish``) and home."""

    lead_ids: Categories
    looks: Looks
    offers: Offers
    lead: _Rows
    moment: Micros
    wish: _Rows
    offer: _Rows
    label: Numbers

    def names(self) -> list[str]:
        pairs = zip(
            self.lead_ids[self.lead[self.wish]].tolist(), self.offers.ids[self.offer].tolist(), strict=True
        )
        return [pair_id(lead, home) for lead, home in pairs]


def _rows_of(source: PairSource, tables: Mapping[str, FactColumns], since: int | None = None) -> _PairRows:
    if source.outcome not in LOOKS:
        raise SpecError(
            "outcome of a PairSource", expected=f"one of {', '.join(LOOKS)}", got=repr(source.outcome)
        )
    lead_ids = np.array(list(tables["leads"].coded("lead_id").names), dtype=object)
    looks = Looks.of_table(tables["interactions"], lead_ids, tables["properties"])
    offers = Offers.of(tables["properties"], tables["listings"])
    asked = _asked(source, looks, since)
    chosen = _offer_of(offers, looks.home[asked.look], asked.moment)
    asked = asked.take(chosen >= 0)
    chosen = chosen[chosen >= 0]
    lead = looks.lead[asked.look]
    wish, offer, label = np.arange(len(chosen)), chosen, asked.label
    if source.others:
        beside, other = _others(source.others, offers, asked.moment, chosen, lead_ids[lead])
        wish, offer = np.concatenate([wish, beside]), np.concatenate([offer, other])
        label = np.concatenate([label, np.zeros(len(other))])
        order = np.argsort(wish, kind="stable")
        wish, offer, label = wish[order], offer[order], label[order]
    return _PairRows(lead_ids, looks, offers, lead, asked.moment, wish, offer, label)


@dataclass(frozen=True)
class _Asked:
    """Looks that are rows: their position, the moment just before each, and whether the outcome follows."""

    look: _Rows
    moment: Micros
    label: Numbers

    def take(self, rows: NDArray[np.bool_]) -> _Asked:
        return _Asked(self.look[rows], self.moment[rows], self.label[rows])


def _asked(source: PairSource, looks: Looks, since: int | None) -> _Asked:
    kind = LOOKS.index(source.outcome)
    look = np.flatnonzero(looks.kind < kind) if kind else np.arange(len(looks))
    if since is None:
        look = np.sort(look[np.argsort(looks.happened_at[look], kind="stable")][-MOST_LOOKS:])
    else:
        look = look[looks.happened_at[look] >= since]
    moment = looks.happened_at[look] - 1  # the look itself is not known yet, however fast it is recorded
    if not kind:
        return _Asked(look, moment, np.ones(len(look)))
    import pandas as pd

    done = np.flatnonzero(looks.kind == kind)
    rows = pd.DataFrame({"lead": looks.lead[look], "home": looks.home[look], "at": moment}).sort_values("at")
    outcomes = pd.DataFrame(
        {"lead": looks.lead[done], "home": looks.home[done], "at": looks.happened_at[done]}
    ).sort_values("at")
    outcomes["when"] = outcomes["at"]
    found = {
        way: pd.merge_asof(rows, outcomes, on="at", by=["lead", "home"], direction=way)["when"].to_numpy()
        for way in ("forward", "backward")
    }
    place = rows.index.to_numpy()
    follows = found["forward"] <= rows["at"].to_numpy() + source.horizon_days * DAY_US
    fresh = np.isnan(found["backward"])
    return _Asked(look[place], moment[place], follows.astype(np.float64)).take(fresh)


def _offer_of(offers: Offers, home: Categories, moment: Micros) -> _Rows:
    """Return the offer of each home at its moment; -1 where it was not known to be for sale."""
    codes = dict(zip(offers.ids.tolist(), offers.home.tolist(), strict=True))
    wanted = np.array([codes.get(name, -1) for name in home.tolist()], dtype=np.int64)
    order = np.argsort(offers.home, kind="stable")
    first = np.searchsorted(offers.home[order], wanted)
    last = np.searchsorted(offers.home[order], wanted, side="right")
    found = np.full(len(home), -1)
    while (first < last).any():
        at = order[np.minimum(first, len(order) - 1)]
        here = (first < last) & (offers.since[at] <= moment) & (offers.until[at] > moment)
        found[here] = at[here]
        first = first + 1
    return found


def _wishes(leads: FactColumns, lead_ids: Categories, lead: _Rows, moment: Micros) -> Wishes:
    """What each lead wanted as it was known at its moment; missing before it was known."""
    position, since = leads.positions("lead_id", lead_ids), leads.times("recorded_at")
    until = leads.times("superseded_at")
    order = np.argsort(position, kind="stable")
    first = np.searchsorted(position[order], lead)
    last = np.searchsorted(position[order], lead, side="right")
    row = np.full(len(lead), -1)
    while (first < last).any():
        at = order[np.minimum(first, len(order) - 1)]
        here = (first < last) & (since[at] <= moment) & (until[at] > moment)
        row[here] = at[here]
        first = first + 1
    return Wishes(
        lead,
        moment,
        np.append(leads.texts("area"), np.array([None], dtype=object))[row],
        np.append(leads.numbers("budget_usd"), np.nan)[row],
        np.append(leads.numbers("bedrooms_wanted"), np.nan)[row],
    )


def _others(
    most: int, offers: Offers, moment: Micros, chosen: _Rows, lead: Categories
) -> tuple[_Rows, _Rows]:
    """Draw homes that were for sale at each moment, beside the one that was chosen; the same in every run."""
    beside, found = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    salt = _hashes(lead) ^ moment.astype(np.uint64)
    homes = _hashes(offers.ids)
    by_time = np.argsort(moment, kind="stable")
    for start in range(0, len(by_time), _AT_ONCE):
        rows = by_time[start : start + _AT_ONCE]
        known = (offers.since <= moment[rows].max()) & (offers.until > moment[rows].min())
        near = np.flatnonzero(known)
        at = moment[rows][:, None]
        free = (offers.since[near] <= at) & (offers.until[near] > at)
        free &= offers.home[near] != offers.home[chosen[rows]][:, None]
        draw = _mixed(salt[rows][:, None] ^ homes[near][None, :]).astype(np.float64)
        draw[~free] = np.inf
        best = np.argsort(draw, axis=1)[:, :most]
        real = np.isfinite(np.take_along_axis(draw, best, axis=1))
        beside.append(np.repeat(rows, real.sum(axis=1)))
        found.append(near[best[real]])
    return np.concatenate(beside), np.concatenate(found)


def _hashes(names: Categories) -> NDArray[np.uint64]:
    """Return a number for each name that is the same in every process."""
    known = {name: zlib.crc32(str(name).encode()) << 20 for name in set(names.tolist())}
    return np.array([known[name] for name in names.tolist()], dtype=np.uint64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix bits well, after Steele, Lea and Flood's SplitMix64 (OOPSLA 2014)."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
