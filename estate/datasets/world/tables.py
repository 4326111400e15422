"""Arrays of a scene as tables of facts, cut to a span of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column
from estate.core.outcomes import OUTCOMES, QUALIFIED
from estate.datasets.world.behaviour import FOLLOW_UP, INTERACTIONS, Events, durations
from estate.datasets.world.conversation import CHANNELS, texts
from estate.datasets.world.market import AREAS, KINDS
from estate.datasets.world.observables import Scene
from estate.datasets.world.outcomes import Outcomes
from estate.datasets.world.people import FINANCING, SOURCES
from estate.datasets.world.world import DAY, Micros, World

if TYPE_CHECKING:
    import pandas as pd

_QUALIFIED = OUTCOMES.index(QUALIFIED)
_Rows = NDArray[np.int64]
_Columns = Mapping[str, Sequence[object] | Column]


@dataclass(frozen=True)
class Span:
    """What happened, and the days whose records are wanted.

    Parameters
    ----------
    world : World
    scene : Scene
    from_day, to_day : int
        Day 0 stands for all that was known before, too.
    """

    world: World
    scene: Scene
    from_day: int
    to_day: int

    def rows(self, recorded_at: Micros, mask: NDArray[np.bool_] | None = None) -> _Rows:
        """Return the positions of the facts that are recorded in the span, in the order of their record."""
        inside = recorded_at < self.to_day * DAY
        if self.from_day:
            inside &= recorded_at >= self.from_day * DAY
        found = np.flatnonzero(inside if mask is None else inside & mask)
        return found[np.argsort(recorded_at[found], kind="stable")]

    def lead_ids(self, rows: _Rows) -> list[str]:
        """Return the names of leads."""
        people = self.scene.people
        every = self.ids("", people.day, people.number)
        return [every[row] for row in rows.tolist()]

    def ids(self, letter: str, day: _Rows, number: _Rows) -> list[str]:
        """Return names that no other world, day or kind of fact has."""
        head = f"w{self.world.seed}{letter}-"
        pairs = zip(day.tolist(), number.tolist(), strict=True)
        return [f"{head}{at:04d}-{place:05d}" for at, place in pairs]

    def table(self, columns: _Columns, event: Micros, known: Micros) -> pd.DataFrame:
        """Return a table of facts."""
        import pandas as pd

        clocks = {"event_at": self.times(event), "recorded_at": self.times(known)}
        return pd.DataFrame({**columns, **clocks})

    def times(self, micros: Micros) -> pd.DatetimeIndex:
        """Return moments of the world as times, UTC."""
        import pandas as pd

        start = np.datetime64(self.world.start, "us")
        return pd.DatetimeIndex(start + micros.astype("timedelta64[us]")).tz_localize("UTC")


def leads(span: Span) -> pd.DataFrame:
    """Return the leads."""
    people = span.scene.people
    rows = span.rows(people.recorded_at)
    columns: _Columns = {
        "lead_id": span.lead_ids(rows),
        "source": _named(SOURCES, people.source[rows]),
        "area": _named(AREAS, people.area[rows]),
        "budget_usd": people.budget_usd[rows],
        "bedrooms_wanted": people.bedrooms_wanted[rows],
        "timeline_days": people.timeline_days[rows],
        "financing": _named(FINANCING, people.financing[rows]),
        # days and nights of the world are those of UTC
        "time_zone": np.full(len(people.event_at[rows]), "Etc/UTC", dtype=object),
        "campaign": campaigns(span, people.source[rows], people.event_at[rows]),
    }
    return span.table(columns, people.event_at[rows], people.recorded_at[rows])


def interactions(span: Span) -> pd.DataFrame:
    """Return what leads did, as far as the feed was whole."""
    every, people, listed = span.scene.events, span.scene.people, span.scene.properties
    rows = span.rows(every.recorded_at, (every.kind != FOLLOW_UP) & ~every.lost)
    events = every.take(rows)
    names = np.array([*span.ids("p", listed.day, listed.number), None], dtype=object)
    columns: _Columns = {
        "interaction_id": span.ids("i", people.day[events.lead], events.number),
        "lead_id": span.lead_ids(events.lead),
        "kind": _named(INTERACTIONS, events.kind),
        "property_id": names[span.scene.homes[rows]],
        "duration_seconds": durations(events),
        "campaign": _clicked(span, events),
    }
    return span.table(columns, events.event_at, events.recorded_at)


def campaigns(span: Span, source: NDArray[np.int64], at: Micros) -> Column:
    """Return the campaign of a source at a time: one a month; None for sources that nobody pays for."""
    month = (np.datetime64(span.world.start, "us") + at.astype("timedelta64[us]")).astype("datetime64[M]")
    named = np.full(len(source), None, dtype=object)
    for name in ("portal", "ads", "social"):
        for one in np.unique(month[source == SOURCES.index(name)]):
            named[(source == SOURCES.index(name)) & (month == one)] = f"{name} {one}"
    return named


def _clicked(span: Span, events: Events) -> Column:
    """Campaigns of clicks in e-mails and of each fifth visit, by the source of the lead."""
    kinds = [INTERACTIONS.index("email_click"), INTERACTIONS.index("visit")]
    through = (events.kind == kinds[0]) | ((events.kind == kinds[1]) & (events.number % 5 == 0))
    named = campaigns(span, span.scene.people.source[events.lead], events.event_at)
    named[~through] = None
    return named


def messages(span: Span) -> pd.DataFrame:
    """Return what leads and agents wrote."""
    every, people = span.scene.messages, span.scene.people
    rows = span.rows(every.recorded_at)
    lead = every.lead[rows]
    columns: _Columns = {
        "message_id": span.ids("m", people.day[lead], every.number[rows]),
        "lead_id": span.lead_ids(lead),
        "direction": _named(("out", "in"), every.inbound[rows].astype(np.int64)),
        "channel": _named(CHANNELS, every.channel[rows]),
        "text": texts(every.template[rows], people.area[lead]),
    }
    return span.table(columns, every.event_at[rows], every.recorded_at[rows])


def properties(span: Span) -> pd.DataFrame:
    """Return the properties for sale."""
    listed = span.scene.properties
    rows = span.rows(listed.recorded_at)
    columns: _Columns = {
        "property_id": span.ids("p", listed.day[rows], listed.number[rows]),
        "area": _named(AREAS, listed.area[rows]),
        "price_usd": listed.price_usd[rows],
        "bedrooms": listed.bedrooms[rows],
        "living_area_sqft": listed.living_area_sqft[rows],
        "kind": _named(KINDS, listed.kind[rows]),
    }
    return span.table(columns, listed.event_at[rows], listed.recorded_at[rows])


def listings(span: Span) -> pd.DataFrame:
    """Return what is for sale and, once it is over, how it ended: two versions of a listing."""
    listed, ends = span.scene.properties, span.scene.listings
    begun = span.rows(listed.recorded_at)
    over = span.rows(ends.recorded_at)
    rows, ended = np.concatenate([begun, over]), np.arange(len(begun) + len(over)) >= len(begun)
    known = np.where(ended, ends.recorded_at[rows], listed.recorded_at[rows])
    order = np.argsort(known, kind="stable")
    rows, ended, known = rows[order], ended[order], known[order]
    names = np.where(ended, np.where(ends.sold[rows], 1, 2), 0)
    made = span.table(
        {
            "listing_id": span.ids("s", listed.day[rows], listed.number[rows]),
            "property_id": span.ids("p", listed.day[rows], listed.number[rows]),
            "area": _named(AREAS, listed.area[rows]),
            "status": _named(("active", "sold", "withdrawn"), names),
            "price_usd": np.where(ended, ends.price_usd[rows], listed.price_usd[rows]),
        },
        listed.event_at[rows],
        known,
    )
    made.insert(5, "ended_at", span.times(ends.ended_at[rows]).where(ended))
    return made


def outcome_facts(span: Span, outcomes: Outcomes) -> pd.DataFrame:
    """Return who converted, who churned, and who was found to be qualified."""
    people, found = span.scene.people, outcomes.qualifications
    happened = np.concatenate([outcomes.converted_at, outcomes.churned_at, found.qualified_at])
    known = np.concatenate([outcomes.conversion_recorded_at, outcomes.churn_recorded_at, found.recorded_at])
    rows = span.rows(known, happened >= 0)
    kind, lead = np.divmod(rows, max(len(people), 1))
    day, number = people.day[lead], people.number[lead]
    ended, qualified = span.ids("o", day, 2 * number + kind), span.ids("q", day, number)
    columns: _Columns = {
        "outcome_id": [q if k == _QUALIFIED else o for k, o, q in zip(kind, ended, qualified, strict=True)],
        "lead_id": span.lead_ids(lead),
        "kind": _named(OUTCOMES, kind),
    }
    return span.table(columns, happened[rows], known[rows])


def market_index(span: Span) -> pd.DataFrame:
    """Return the price index of every area."""
    index = span.scene.index
    weeks = span.rows(index.recorded_at)
    week, area = np.repeat(weeks, len(AREAS)), np.tile(np.arange(len(AREAS)), len(weeks))
    weeks_since = index.event_at[week] // (7 * DAY)
    columns: _Columns = {
        "index_id": [f"w{span.world.seed}x{w:+05d}-{a}" for w, a in zip(weeks_since, area, strict=True)],
        "area": _named(AREAS, area),
        "value": index.value[week, area],
    }
    return span.table(columns, index.event_at[week], index.recorded_at[week])


def truth(span: Span, outcomes: Outcomes) -> pd.DataFrame:
    """Return the true probabilities of the leads that are recorded in the span."""
    import pandas as pd

    rows = span.rows(span.scene.people.recorded_at)
    return pd.DataFrame(
        {
            "lead_id": span.lead_ids(rows),
            "p_converted": outcomes.p_converted[rows],
            "p_churned": outcomes.p_churned[rows],
            "p_qualified": outcomes.qualifications.p_qualified[rows],
        }
    )


def _named(names: Sequence[str | None], codes: NDArray[np.int64]) -> Column:
    return np.array(names, dtype=object)[codes]
