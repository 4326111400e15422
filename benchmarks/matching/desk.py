"""The simulated desk as queries: which of the homes for sale does a lead view next?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.matching.ranks import Queries
from estate.core.frame import Frame, Numbers
from estate.datasets.world import World, simulate
from estate.datasets.world.observables import Scene
from estate.datasets.world.simulate import make_scene
from estate.datasets.world.tables import Span
from estate.features.events import DAY_US, Micros
from estate.features.fact_columns import FactColumns
from estate.features.histories import micros
from estate.features.homes import Looks, Offers, Wishes, pairs_of
from estate.features.homes.looks import popularity

Facts = dict[str, pd.DataFrame]
_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Desk:
    """A world, cut in two: what was known by the cut, and the views that came later.

    Parameters
    ----------
    before : mapping of str to DataFrame
        Facts that had happened and were recorded by the cut.
    looks, offers, wishes : Looks, Offers, Wishes
        Of the whole world; wishes of the queries.
    queries : Queries
    wish, offer : int64 arrays of shape (candidates,)
        The query's wish and the home of each candidate.
    pairs : Frame
        The raw columns of all candidates.
    truth : float64 array of shape (candidates,)
        The true utility of each home for the lead at that moment.
    """

    before: Facts
    looks: Looks
    offers: Offers
    wishes: Wishes
    queries: Queries
    wish: _Rows
    offer: _Rows
    pairs: Frame
    truth: Numbers


def desk(world: World, *, cut_day: int, most: int) -> Desk:
    """Simulate, and take up to ``most`` views after the cut as queries."""
    facts = dict(simulate(world).facts)
    facts["listings"] = _versions(facts["listings"])
    start = int(world.at(0).timestamp() * 1e6)
    cut = start + cut_day * DAY_US
    tables = {kind: FactColumns(table) for kind, table in facts.items()}
    lead_ids = np.array(facts["leads"]["lead_id"].tolist(), dtype=object)
    looks = Looks.of_table(tables["interactions"], lead_ids, tables["properties"])
    offers = Offers.of(tables["properties"], tables["listings"])
    views = np.flatnonzero((looks.kind == 0) & (looks.happened_at >= cut))
    views = np.sort(np.random.default_rng(0).permutation(views)[:most])
    wishes = _wishes(facts["leads"], looks.lead[views], looks.happened_at[views] - 1)
    wish, offer = _candidates(offers, wishes.moment)
    right = looks.home[views][wish] == offers.ids[offer]
    answered = np.isin(wish, wish[right])  # others were recorded late: not known to be for sale
    wish, offer, right = wish[answered], offer[answered], right[answered]
    popular = popularity(looks, offers.ids[offer], wishes.moment[wish])
    return Desk(
        _known(facts, cut),
        looks,
        offers,
        wishes,
        Queries(np.unique(wish, return_inverse=True)[1].astype(np.int64), right),
        wish,
        offer,
        pairs_of(wishes, looks, offers, popular, wish=wish, offer=offer),
        _truth(world, lead_ids[wishes.lead[wish]], offers.ids[offer], wishes.moment[wish] - start),
    )


def _versions(listings: pd.DataFrame) -> pd.DataFrame:
    ordered = listings.sort_values(["listing_id", "recorded_at"])
    after = ordered.groupby("listing_id")["recorded_at"].shift(-1)
    return ordered.assign(superseded_at=after).reset_index(drop=True)


def _known(facts: Facts, cut: int) -> Facts:
    made = {}
    for kind, table in facts.items():
        known = (micros(table["event_at"]) <= cut) & (micros(table["recorded_at"]) <= cut)
        made[kind] = table[known].reset_index(drop=True)
    return made


def _wishes(leads: pd.DataFrame, lead: _Rows, moment: Micros) -> Wishes:
    said = leads.iloc[lead]
    area = said["area"].to_numpy(dtype=object)
    return Wishes(lead, moment, area, said["budget_usd"].to_numpy(), said["bedrooms_wanted"].to_numpy())


def _candidates(offers: Offers, moment: Micros) -> tuple[_Rows, _Rows]:
    found = [np.flatnonzero((offers.since <= at) & (offers.until > at)) for at in moment.tolist()]
    return np.repeat(np.arange(len(found)), [len(one) for one in found]), np.concatenate(found)


def _truth(world: World, lead: NDArray[np.object_], home: NDArray[np.object_], at: Micros) -> Numbers:
    scene: Scene = make_scene(world, range(world.days))
    span = Span(world, scene, 0, world.days)
    people = {name: i for i, name in enumerate(span.lead_ids(np.arange(len(scene.people))))}
    names = span.ids("p", scene.properties.day, scene.properties.number)
    homes = {name: i for i, name in enumerate(names)}
    who = np.array([people[name] for name in lead.tolist()])
    which = np.array([homes[name] for name in home.tolist()])
    return scene.tastes.utility(scene.properties, who, which, at)
