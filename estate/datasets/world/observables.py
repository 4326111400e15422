"""What the desk can know of a lead at an age: nothing that happened or was recorded later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.datasets.world.behaviour import FOLLOW_UP, INTERACTIONS, Events
from estate.datasets.world.conversation import Messages
from estate.datasets.world.endings import Endings
from estate.datasets.world.market import PriceIndex, Properties
from estate.datasets.world.people import People
from estate.datasets.world.taste import Tastes
from estate.datasets.world.world import DAY, HOUR, Micros


@dataclass(frozen=True)
class Observables:
    """What is known of n leads at one age.

    Parameters
    ----------
    counts : float64 array of shape (n, 8)
        Interactions of each kind.
    counts_last_week : float64 array of shape (n,)
        Interactions of any kind in the last seven days.
    counts_first_week : float64 array of shape (n,)
    days_since_last, days_since_reply : float64 arrays of shape (n,)
        Since the last interaction, the last reply; infinite if there was none.
    messages_out : float64 array of shape (n,)
    first_response_hours : float64 array of shape (n,)
        From arrival to the agent's first message; the age if there was none.
    budget_ratio : float64 array of shape (n,)
        Budget over the median price of the lead's area; NaN without a budget.
    price_index : float64 array of shape (n,)
        Of the lead's area.
    """

    counts: NDArray[np.float64]
    counts_last_week: Numbers
    counts_first_week: Numbers
    days_since_last: Numbers
    days_since_reply: Numbers
    messages_out: Numbers
    first_response_hours: Numbers
    budget_ratio: Numbers
    price_index: Numbers

    def count(self, kind: str) -> Numbers:
        """Return the number of interactions of a kind."""
        return np.asarray(self.counts[:, INTERACTIONS.index(kind)])


@dataclass(frozen=True)
class Scene:
    """Everything that happens around a set of leads.

    ``homes`` holds the position of the home that each event is of; -1 where it is of none.
    """

    people: People
    events: Events
    messages: Messages
    properties: Properties
    index: PriceIndex
    listings: Endings
    tastes: Tastes
    homes: NDArray[np.int64]


def observe(scene: Scene, age_days: int) -> Observables:
    """Return what is known of every lead when it is so old."""
    people = scene.people
    decided = people.event_at + age_days * DAY
    events = scene.events.take(_known(scene.events, decided) & (scene.events.kind != FOLLOW_UP))
    age = events.event_at - people.event_at[events.lead]
    n, kinds = len(people), len(INTERACTIONS)
    counts = np.bincount(events.lead * kinds + events.kind, minlength=n * kinds).reshape(n, kinds)
    reply = events.kind == INTERACTIONS.index("reply")
    out, response = _agent(scene, decided, age_days)
    return Observables(
        counts=counts.astype(np.float64),
        counts_last_week=_count(events.lead[age >= (age_days - 7) * DAY], n),
        counts_first_week=_count(events.lead[age < 7 * DAY], n),
        days_since_last=_since(events.lead, events.event_at, decided),
        days_since_reply=_since(events.lead[reply], events.event_at[reply], decided),
        messages_out=out,
        first_response_hours=response,
        budget_ratio=people.budget_usd / scene.properties.median_price(people.area, decided),
        price_index=scene.index.latest(people.area, decided),
    )


def _known(facts: Events | Messages, decided: Micros) -> NDArray[np.bool_]:
    limit = decided[facts.lead]
    return np.asarray((facts.event_at <= limit) & (facts.recorded_at <= limit))


def _count(lead: NDArray[np.int64], leads: int) -> Numbers:
    return np.bincount(lead, minlength=leads).astype(np.float64)


def _since(lead: NDArray[np.int64], at: Micros, decided: Micros) -> Numbers:
    last = np.full(len(decided), np.iinfo(np.int64).min // 2)
    np.maximum.at(last, lead, at)
    return np.where(last < -(1 << 61), np.inf, (decided - last) / DAY)


def _agent(scene: Scene, decided: Micros, age_days: int) -> tuple[Numbers, Numbers]:
    messages = scene.messages
    rows = _known(messages, decided) & ~messages.inbound
    lead, at = messages.lead[rows], messages.event_at[rows]
    first = scene.people.event_at + age_days * DAY
    np.minimum.at(first, lead, at)
    return _count(lead, len(decided)), (first - scene.people.event_at) / HOUR
