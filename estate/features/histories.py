"""What was known of each lead at its own time: the one thing that feature functions of leads read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers
from estate.features.area_tables import AreaTables
from estate.features.areas import Areas
from estate.features.events import Events, Micros
from estate.features.fact_columns import NEVER, FactColumns
from estate.features.texts import Coded
from estate.store.lead_facts import LEAD_NUMBERS, LEAD_TEXTS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

OF_LEADS = ("leads", "interactions", "messages")
SHARED = ("properties", "listings", "market_index")
KINDS = (*OF_LEADS, *SHARED)
"""Kinds of facts that features of leads read: each lead's own, and those that are of all."""


@dataclass(frozen=True)
class Histories:
    """n leads, each as of its own moment.

    Parameters
    ----------
    as_of, created : int64 array of shape (n,)
        Microseconds since 1970, UTC.
    lead : mapping of str to array of shape (n,)
        Attributes of the lead itself.
    interactions, messages : Events
        Interactions carry ``kind``, ``campaign``, ``duration_seconds`` and, of the property looked at, as it
        was known then: ``property_id``, ``area``, ``price_usd``, ``bedrooms``, ``living_area_sqft``. Messages
        carry ``direction``, ``channel``, ``length`` in characters and ``sentiment`` from -1 to 1.
    market : Areas
    """

    as_of: Micros
    created: Micros
    lead: Mapping[str, Column]
    interactions: Events
    messages: Events
    market: Areas

    def __len__(self) -> int:
        return len(self.as_of)

    def part(self, first: int, last: int) -> Histories:
        """Return the leads from one position to before another; their events are not copied."""
        return Histories(
            self.as_of[first:last],
            self.created[first:last],
            {name: values[first:last] for name, values in self.lead.items()},
            self.interactions.part(first, last),
            self.messages.part(first, last),
            self.market.part(first, last),
        )


def build_histories(
    lead_ids: NDArray[np.object_], as_of: Micros, facts: Mapping[str, pa.Table | pd.DataFrame]
) -> Histories:
    """Arrange facts by lead and drop what a lead's ``as_of`` could not know, by either clock.

    Parameters
    ----------
    lead_ids : object array of shape (n,)
        Each must be in ``facts["leads"]``.
    as_of : int64 array of shape (n,)
        Microseconds since 1970, UTC.
    facts : mapping of str to pyarrow.Table or DataFrame
        Tables by name with their columns; the importer's kinds. Facts of one time are ordered by id. Where
        they have a ``superseded_at``, a version is seen only at moments before it.
    """
    tables = {kind: FactColumns(facts[kind]) for kind in KINDS}
    attributes = _attributes(tables["leads"], lead_ids, as_of)
    interactions, messages = tables["interactions"], tables["messages"]
    seen = _homes_seen(interactions, tables["properties"])
    return Histories(
        as_of=as_of,
        created=_created(tables["leads"], lead_ids),
        lead=attributes,
        interactions=_events(
            interactions,
            lead_ids,
            as_of,
            {"duration_seconds": interactions.numbers("duration_seconds"), **seen.numbers},
            {"kind": interactions.coded("kind"), "campaign": interactions.coded("campaign"), **seen.texts},
        ),
        messages=_events(
            messages,
            lead_ids,
            as_of,
            {"length": messages.lengths("text"), "sentiment": messages.numbers("sentiment")},
            {name: messages.coded(name) for name in ("direction", "channel")},
        ),
        market=Areas(attributes["area"], as_of, AreaTables({kind: tables[kind] for kind in SHARED})),
    )


def micros(times: pd.Series[pd.Timestamp]) -> Micros:
    """Return microseconds since 1970 of aware times."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)


def superseded(facts: pd.DataFrame) -> Micros:
    """Return when each version was superseded, in microseconds since 1970; the end of time if it was not."""
    return FactColumns(facts[["superseded_at"]]).times("superseded_at")


def _created(leads: FactColumns, lead_ids: NDArray[np.object_]) -> Micros:
    """When each lead came, as the newest version has it."""
    lead, newest = leads.positions("lead_id", lead_ids), leads.times("superseded_at") == NEVER
    rows = np.flatnonzero((lead >= 0) & newest)
    if len(np.unique(lead[rows])) < len(lead_ids):
        known = set(lead[rows].tolist())
        absent = [str(name) for i, name in enumerate(lead_ids.tolist()) if i not in known]
        raise KeyError(f"leads without a fact of their own: {', '.join(absent[:5])}")
    created = np.zeros(len(lead_ids), dtype=np.int64)
    created[lead[rows]] = leads.times("event_at")[rows]
    return created


def _attributes(leads: FactColumns, lead_ids: NDArray[np.object_], as_of: Micros) -> dict[str, Column]:
    """Attributes of each lead as they were known at its moment; missing where it was not known yet."""
    lead = leads.positions("lead_id", lead_ids)
    moment = as_of[lead] if len(as_of) else np.zeros(len(lead), dtype=np.int64)
    known = (lead >= 0) & (leads.times("recorded_at") <= moment) & (leads.times("superseded_at") > moment)
    row = np.full(len(as_of), -1)
    row[lead[known]] = np.flatnonzero(known)
    made: dict[str, Column] = {name: _at(leads.texts(name), row, None) for name in LEAD_TEXTS}
    return made | {name: _at(leads.numbers(name), row, np.nan) for name in LEAD_NUMBERS}


def _events(
    facts: FactColumns,
    lead_ids: NDArray[np.object_],
    as_of: Micros,
    columns: Mapping[str, Column],
    texts: Mapping[str, Coded],
) -> Events:
    lead, happened = facts.positions("lead_id", lead_ids), facts.times("event_at")
    moment = as_of[lead] if len(as_of) else np.zeros(len(lead), dtype=np.int64)
    known = (lead >= 0) & (happened <= moment) & (facts.times("recorded_at") <= moment)
    known &= facts.times("superseded_at") > moment
    order = np.flatnonzero(known)
    order = order[_by_lead_and_time(lead[order], happened[order])]
    return Events(
        len(as_of),
        lead[order],
        moment[order] - happened[order],
        {name: values[order] for name, values in columns.items()},
        {name: coded.take(order) for name, coded in texts.items()},
    )


def _by_lead_and_time(lead: NDArray[np.int64], happened: Micros) -> NDArray[np.int64]:
    """Order by lead, then by time; ties stay as they are."""
    same = lead[1:] == lead[:-1]
    if np.all((lead[1:] > lead[:-1]) | (same & (happened[1:] >= happened[:-1]))):
        return np.arange(len(lead))
    span = int(happened.max() - happened.min()) + 1
    if (int(lead.max()) + 1) * span < NEVER:  # as one number, which takes half the time of two
        return np.argsort(lead * span + (happened - happened.min()), kind="stable")
    return np.lexsort((happened, lead))


@dataclass(frozen=True)
class _HomesSeen:
    """Of each interaction, its property as it was known when it happened."""

    numbers: dict[str, Numbers]
    texts: dict[str, Coded]


def _homes_seen(interactions: FactColumns, properties: FactColumns) -> _HomesSeen:
    ids = properties.coded("property_id")
    wanted = interactions.positions("property_id", np.array(list(ids.names), dtype=object))
    moment = interactions.times("event_at")
    since = np.maximum(properties.times("event_at"), properties.times("recorded_at"))
    until = properties.times("superseded_at")
    row = np.full(len(interactions), -1)
    for rows in _one_by_one(ids.codes):  # each property's versions one after the other
        row_of = np.full(len(ids.names) + 1, -1)  # the last place: interactions without a known property
        row_of[ids.codes[rows]] = rows
        at = row_of[wanted]
        seen = (at >= 0) & (since[at] <= moment) & (until[at] > moment)
        row[seen] = at[seen]
    numbers = {
        name: _at(properties.numbers(name), row, np.nan)
        for name in ("price_usd", "bedrooms", "living_area_sqft")
    }
    area = properties.coded("area")
    area_seen = Coded(area.names, _at(area.codes, row, -1))
    return _HomesSeen(numbers, {"property_id": interactions.coded("property_id"), "area": area_seen})


def _one_by_one(codes: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield rows such that each code is among them at most once: first ones first."""
    rest = np.arange(len(codes))
    while len(rest):
        _, first = np.unique(codes[rest], return_index=True)
        yield rest[first]
        rest = np.delete(rest, first)


def _at(values: Column, row: NDArray[np.int64], missing: object) -> Column:
    """Values at some rows; where the row is -1, what stands for missing."""
    return np.append(values, np.array([missing], dtype=values.dtype))[row]
