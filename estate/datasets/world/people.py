"""The leads: who comes, from where, and what they say they want."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from estate.core.frame import Numbers
from estate.datasets.world.activity import ActivityClock
from estate.datasets.world.market import AREA_PRICE_USD, AREAS
from estate.datasets.world.world import DAY, HOUR, Micros, World

SOURCES = ("portal", "website", "referral", "ads", "open_house", "social")
"""Where leads come from; ``social`` is there only with the drift ``new_source``."""

FINANCING = ("needs_loan", "preapproved", "cash", None)
_SHARES = np.cumsum([0.42, 0.24, 0.12, 0.16])
_INTENT = np.array([-0.15, 0.1, 0.45, -0.3, 0.25, -0.1])
_LEADS = 0
_DRAWS = (
    "arrival",
    "source",
    "redirect",
    "area",
    "budget",
    "no_budget",
    "bedrooms",
    "timeline",
    "no_timeline",
    "financing",
    "intent",
    "persistence",
    "agent",
    "contact",
    "ignored",
    "recorded",
    "tone",
    "converts",
    "conversion",
    "conversion_report",
    "churns",
    "churn",
    "churn_report",
)


@dataclass(frozen=True)
class People:
    """Leads in the order of day and number; arrays of shape (n,).

    Parameters
    ----------
    day, number : int64 arrays
        Day of arrival and place within it: together they name the lead.
    event_at, recorded_at : int64 arrays
        Arrival.
    source, area, financing : int64 arrays
        Positions in :data:`SOURCES`, :data:`~.market.AREAS`, :data:`FINANCING`.
    budget_usd, bedrooms_wanted, timeline_days : float64 arrays
        NaN where the lead did not say.
    intent, persistence, agent_hours : float64 arrays
        What nobody sees: how much the lead wants it, how long it keeps on, how slow its agent is.
    draws : mapping of str to float64 array
        Uniform numbers in [0, 1) for what comes later in the lead's life.
    streams : list of Generator
        One for each day, in the order of ``days``.
    days : range
    """

    day: NDArray[np.int64]
    number: NDArray[np.int64]
    event_at: Micros
    recorded_at: Micros
    source: NDArray[np.int64]
    area: NDArray[np.int64]
    financing: NDArray[np.int64]
    budget_usd: Numbers
    bedrooms_wanted: Numbers
    timeline_days: Numbers
    intent: Numbers
    persistence: Numbers
    agent_hours: Numbers
    draws: Mapping[str, Numbers]
    streams: list[np.random.Generator]
    days: range

    def __len__(self) -> int:
        return len(self.day)


def arrive(world: World, clock: ActivityClock, days: range) -> People:
    """Return the leads that arrive on the given days."""
    edges = clock.activity(np.array([*days, days.stop], dtype=np.int64) * DAY)
    level = world.drift_level(np.array(days, dtype=np.int64) * DAY)
    means = world.leads_per_day * np.diff(edges) / 24 * (1 + (world.effect.arrivals - 1) * level)
    streams = [world.stream(_LEADS, day) for day in days]
    blocks = [s.random((s.poisson(mean), len(_DRAWS))) for s, mean in zip(streams, means, strict=True)]
    counts = [len(block) for block in blocks]
    row = np.repeat(np.arange(len(counts)), counts)
    u = dict(zip(_DRAWS, np.concatenate(blocks).T, strict=True))
    event = clock.wall(edges[row] + u["arrival"] * np.diff(edges)[row])
    drifted = world.drift_level(event)
    source = np.searchsorted(_SHARES, u["source"] * _SHARES[-1], side="right")
    # whose draw falls into the new source's share comes from there; all others are as they would have been
    taken = u["redirect"] < world.effect.new_source * drifted
    source = np.where(taken, SOURCES.index("social"), source)
    area = (u["area"] * len(AREAS)).astype(np.int64)
    return People(
        day=np.array(days, dtype=np.int64)[row],
        number=np.concatenate([np.arange(count, dtype=np.int64) for count in counts]),
        event_at=event,
        recorded_at=event - np.rint(np.log1p(-u["recorded"]) * HOUR / 15).astype(np.int64),
        source=source,
        area=area,
        financing=np.searchsorted(np.array([0.4, 0.68, 0.82]), u["financing"], side="right"),
        budget_usd=_budget(u, area, 1 + (world.effect.budget - 1) * drifted),
        bedrooms_wanted=1.0 + np.floor(5 * u["bedrooms"]),
        timeline_days=_timeline(u),
        intent=ndtri(u["intent"]) + _INTENT[source],
        persistence=ndtri(u["persistence"]),
        agent_hours=3.0 * np.exp(1.1 * ndtri(u["agent"])),
        draws=u,
        streams=streams,
        days=days,
    )


def _budget(u: Mapping[str, Numbers], area: NDArray[np.int64], factor: Numbers) -> Numbers:
    budget = np.round(AREA_PRICE_USD[area] * np.exp(0.35 * ndtri(u["budget"])) * factor, -3)
    return np.where(u["no_budget"] < 0.12, np.nan, budget)


def _timeline(u: Mapping[str, Numbers]) -> Numbers:
    days = np.array([14.0, 30.0, 60.0, 90.0, 180.0, 365.0])
    picked = days[np.searchsorted(np.array([0.1, 0.27, 0.47, 0.67, 0.86]), u["timeline"], side="right")]
    return np.where(u["no_timeline"] < 0.15, np.nan, picked)
