"""From a world to tables of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estate.core.errors import SpecError
from estate.datasets.world.activity import ActivityClock
from estate.datasets.world.behaviour import behave
from estate.datasets.world.conversation import converse
from estate.datasets.world.endings import end_listings
from estate.datasets.world.looking import Market, look
from estate.datasets.world.market import list_properties, price_index
from estate.datasets.world.observables import Scene
from estate.datasets.world.outcomes import decide
from estate.datasets.world.people import arrive
from estate.datasets.world.tables import (
    Span,
    interactions,
    leads,
    listings,
    market_index,
    messages,
    outcome_facts,
    properties,
    truth,
)
from estate.datasets.world.taste import have_tastes
from estate.datasets.world.world import World

if TYPE_CHECKING:
    import pandas as pd

HISTORY_DAYS = 90
"""No fact of a lead is recorded later than so many days after its arrival."""


@dataclass(frozen=True)
class Simulated:
    """What happened in a span of days.

    Parameters
    ----------
    facts : mapping of str to DataFrame
        By kind; columns of the tables, in the order of ``recorded_at``.
    truth : DataFrame
        ``lead_id``, ``p_converted``, ``p_churned``, ``p_qualified``: true probabilities of the leads recorded
        in the span, given what can be known at 7, at 21 and at 7 days of age. Never stored in the database.
        With a broken feed they are given what would have been known without it: the world does not change
        because a feed breaks.
    """

    facts: Mapping[str, pd.DataFrame]
    truth: pd.DataFrame


def simulate(world: World, *, from_day: int = 0, to_day: int | None = None) -> Simulated:
    """Return every fact that is recorded in a span of days, and the true probabilities of its leads.

    Parameters
    ----------
    world : World
    from_day, to_day : int
        Facts recorded from the beginning of the first to the beginning of the second; the whole world by
        default. Day 0 brings what was known before. Two spans that meet give together what one gives.

    Raises
    ------
    SpecError
        If the span is empty or out of the world.

    Examples
    --------
    >>> made = simulate(World(seed=1, leads_per_day=5, days=3))
    >>> list(made.facts)
    ['leads', 'interactions', 'messages', 'properties', 'listings', 'outcomes', 'market_index']
    >>> simulate(World(days=10), from_day=10)
    Traceback (most recent call last):
    estate.core.errors.SpecError: days to simulate: expected 0 <= from < to <= 10, got from 10 to 10.
    """
    end = world.days if to_day is None else to_day
    if not 0 <= from_day < end <= world.days:
        raise SpecError(
            "days to simulate", expected=f"0 <= from < to <= {world.days}", got=f"from {from_day} to {end}"
        )
    scene = make_scene(world, range(max(0, from_day - HISTORY_DAYS), end))
    outcomes = decide(world, scene)
    span = Span(world, scene, from_day, end)
    facts = {
        "leads": leads(span),
        "interactions": interactions(span),
        "messages": messages(span),
        "properties": properties(span),
        "listings": listings(span),
        "outcomes": outcome_facts(span, outcomes),
        "market_index": market_index(span),
    }
    return Simulated(facts, truth(span, outcomes))


def make_scene(world: World, days: range) -> Scene:
    """Return everything that happens around the leads of some days."""
    clock = ActivityClock(world.start)
    people = arrive(world, clock, days)
    events = behave(world, clock, people)
    listed = list_properties(world, days.stop + HISTORY_DAYS)
    # leads of the last day live on after it: their world must go on, or their truth would depend on the span
    ends, tastes = end_listings(world, listed), have_tastes(world, people, listed)
    return Scene(
        people=people,
        events=events,
        messages=converse(clock, people, events),
        properties=listed,
        index=price_index(world, days.stop + HISTORY_DAYS),
        listings=ends,
        tastes=tastes,
        homes=look(Market(tastes, listed, ends), events),
    )
