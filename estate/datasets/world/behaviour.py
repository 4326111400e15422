"""What leads do: visits, opens, replies, calls, tours, views, saves.

Events are drawn at a rate above every drift's and thinned down to the rate of their moment, so that a drift
changes nothing before its day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from estate.core.frame import Numbers
from estate.datasets.world.activity import ActivityClock
from estate.datasets.world.people import People
from estate.datasets.world.world import HOUR, Micros, World

INTERACTIONS = ("visit", "email_open", "email_click", "reply", "call", "tour", "listing_view", "listing_save")
FOLLOW_UP = len(INTERACTIONS)
"""Code of the agent's own messages; drawn like interactions, stored as messages."""

CEILING = np.array([1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 2.0, 1.4, 1.0])
"""Largest factor that a drift may put on each rate."""

_PER_DAY = np.array([0.21, 0.20, 0.065, 0.115, 0.06, 0.032, 0.42, 0.075, 0.07])
_INTENT_LOAD = np.array([0.45, 0.30, 0.5, 0.7, 0.65, 0.9, 0.5, 0.75, 0.25])
_SOCIAL_FACTOR = np.array([0.8, 1.2, 1.2, 0.7, 0.6, 0.8, 1.6, 1.3, 1.0])
_LASTING_DAYS, _LONGEST_DAYS = 9.0, 60.0
_WITH_DURATION = {"visit": 95.0, "call": 240.0, "tour": 2400.0}
_MEDIAN_DELAY_HOURS = np.array([0.05, 0.05, 0.05, 0.05, 0.4, 4.0, 0.05, 0.05, 0.02])
_LONGEST_DELAY_HOURS = 240.0
_SHAPES = 9


@dataclass(frozen=True)
class Events:
    """Interactions and follow-ups of all leads, in the order of arrival day; arrays of shape (n,).

    Parameters
    ----------
    lead : int64 array
        Position in the people.
    number : int64 array
        Place among all events of leads of that arrival day: with the day it names the event.
    kind : int64 array
        Position in :data:`INTERACTIONS`, or :data:`FOLLOW_UP`.
    event_at, recorded_at : int64 arrays
    lost : bool array
        It happened, but the feed was broken: it is never stored.
    uniform : float64 array of shape (n, 4)
        For what depends on the event: property, duration, the agent's answer.
    """

    lead: NDArray[np.int64]
    number: NDArray[np.int64]
    kind: NDArray[np.int64]
    event_at: Micros
    recorded_at: Micros
    lost: NDArray[np.bool_]
    uniform: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Events:
        """Return the events at the given positions, or where a mask holds."""
        return Events(**{name: values[rows] for name, values in self.__dict__.items()})


def behave(world: World, clock: ActivityClock, people: People) -> Events:
    """Return everything that the leads do in their first 60 days."""
    lasting = _LASTING_DAYS * np.exp(0.35 * people.persistence)
    whole = 1 - np.exp(-_LONGEST_DAYS / lasting)
    pull = np.exp(np.outer(people.intent, _INTENT_LOAD) - _INTENT_LOAD**2 / 2)
    social = np.where((people.source == 5)[:, None], _SOCIAL_FACTOR, 1.0)
    means = _PER_DAY * CEILING * pull * social * (lasting * whole)[:, None]
    lead, number, kind, u = _draw(people, means)
    age = -lasting[lead] * np.log1p(-u[:, 0] * whole[lead])
    event = clock.wall(clock.activity(people.event_at)[lead] + 24 * age)
    kept = u[:, 1] * CEILING[kind] < _factor(world, kind, event)
    events = Events(lead, number, kind, event, event + _delay(kind, u), _lost(world, kind, event), u[:, 5:])
    return events.take(kept)


def durations(events: Events) -> Numbers:
    """Return the length in seconds of visits, calls and tours; NaN of everything else."""
    typical = np.array([_WITH_DURATION.get(kind, np.nan) for kind in INTERACTIONS])[events.kind]
    return np.asarray(np.round(typical * np.exp(0.7 * ndtri(events.uniform[:, 1]))))


def _draw(
    people: People, means: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    leads, numbers, kinds, blocks = [], [], [], []
    ends = np.searchsorted(people.day, np.array(people.days), side="right")
    begin = 0
    for stream, end in zip(people.streams, ends.tolist(), strict=True):
        counts = stream.poisson(means[begin:end])
        total = int(counts.sum())
        flat = np.repeat(np.arange(counts.size), counts.ravel())
        leads.append(begin + flat // means.shape[1])
        kinds.append(flat % means.shape[1])
        numbers.append(np.arange(total, dtype=np.int64))
        blocks.append(stream.random((total, _SHAPES)))
        begin = end
    return np.concatenate(leads), np.concatenate(numbers), np.concatenate(kinds), np.concatenate(blocks)


def _factor(world: World, kind: NDArray[np.int64], at: Micros) -> Numbers:
    full = np.array([world.effect.activity.get(name, 1.0) for name in (*INTERACTIONS, "follow_up")])
    return np.asarray(1 + (full[kind] - 1) * world.drift_level(at))


def _lost(world: World, kind: NDArray[np.int64], at: Micros) -> NDArray[np.bool_]:
    broken = np.array([name in world.effect.lost for name in (*INTERACTIONS, "follow_up")])
    return np.asarray(broken[kind] & (world.drift_level(at) > 0))


def _delay(kind: NDArray[np.int64], u: NDArray[np.float64]) -> Micros:
    """Most arrive within minutes, one in eight after hours, one in thirty after days."""
    hours = _MEDIAN_DELAY_HOURS[kind] * -np.log1p(-u[:, 3]) / np.log(2)
    slow = np.where(u[:, 2] < 1 / 30, 36.0, np.where(u[:, 2] < 1 / 30 + 1 / 8, 4.0, 0.0))
    hours += slow * -np.log1p(-u[:, 4])
    return np.asarray(np.rint(np.minimum(hours, _LONGEST_DELAY_HOURS) * HOUR), dtype=np.int64)
