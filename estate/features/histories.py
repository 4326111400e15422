"""What was known of each lead at its own time: the one thing that feature functions of leads read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers
from estate.features.events import Events, Micros

if TYPE_CHECKING:
    import pandas as pd


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
        Interactions carry ``kind``, ``duration_seconds`` and ``price_usd`` of the property; messages carry
        ``direction`` and ``length`` in characters.
    market : mapping of str to float64 array of shape (n,)
        ``value``, and ``value_90d_ago``, of the lead's area; ``price_usd``, the median asking price there.
    """

    as_of: Micros
    created: Micros
    lead: Mapping[str, Column]
    interactions: Events
    messages: Events
    market: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.as_of)


def build_histories(
    lead_ids: NDArray[np.object_], as_of: Micros, facts: Mapping[str, pd.DataFrame]
) -> Histories:
    """Arrange facts by lead and drop what a lead's ``as_of`` could not know, by either clock.

    Parameters
    ----------
    lead_ids : object array of shape (n,)
        Each must be in ``facts["leads"]``.
    as_of : int64 array of shape (n,)
        Microseconds since 1970, UTC.
    facts : mapping of str to DataFrame
        Tables by name with their columns, ordered by lead, ``event_at`` and id; the importer's kinds.
    """
    leads = facts["leads"].set_index("lead_id").loc[list(lead_ids)]
    attributes = {name: _column(leads[name]) for name in ("source", "area", "financing")}
    attributes |= {
        name: leads[name].to_numpy(np.float64) for name in ("budget_usd", "bedrooms_wanted", "timeline_days")
    }
    positions = dict(zip(lead_ids.tolist(), range(len(lead_ids)), strict=True))
    interactions = facts["interactions"]
    messages = facts["messages"]
    return Histories(
        as_of=as_of,
        created=micros(leads["event_at"]),
        lead=attributes,
        interactions=_events(
            interactions,
            positions,
            as_of,
            {
                "kind": _column(interactions["kind"]),
                "duration_seconds": interactions["duration_seconds"].to_numpy(np.float64),
                "price_usd": _price_when_seen(interactions, facts["properties"]),
            },
        ),
        messages=_events(
            messages,
            positions,
            as_of,
            {
                "direction": _column(messages["direction"]),
                "length": messages["text"].str.len().to_numpy(np.float64),
            },
        ),
        market=_market(attributes["area"], as_of, facts),
    )


def micros(times: pd.Series[pd.Timestamp]) -> Micros:
    """Return microseconds since 1970 of aware times."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)


def _column(values: pd.Series[str]) -> Column:
    array = values.astype(object).to_numpy(dtype=object, copy=True)
    array[values.isna().to_numpy()] = None
    return array


def _events(
    facts: pd.DataFrame, positions: Mapping[str, int], as_of: Micros, columns: Mapping[str, Column]
) -> Events:
    lead = np.array([positions.get(name, -1) for name in facts["lead_id"].tolist()], dtype=np.int64)
    happened, learned = micros(facts["event_at"]), micros(facts["recorded_at"])
    moment = as_of[lead] if len(as_of) else np.zeros(len(lead), dtype=np.int64)
    known = (lead >= 0) & (happened <= moment) & (learned <= moment)
    order = np.flatnonzero(known)
    order = order[np.lexsort((happened[order], lead[order]))]  # stable: ties keep the order of their ids
    age = moment[order] - happened[order]
    return Events(len(as_of), lead[order], age, {name: values[order] for name, values in columns.items()})


def _price_when_seen(interactions: pd.DataFrame, properties: pd.DataFrame) -> Numbers:
    """Asking price of the property of each interaction, if the property was known when it happened."""
    import pandas as pd

    known = properties.set_index("property_id")
    at = known.index.get_indexer(pd.Index(interactions["property_id"]))
    if not len(known) or not len(interactions):
        return np.full(len(interactions), np.nan)
    listed = np.maximum(micros(known["event_at"]), micros(known["recorded_at"]))[at]
    price = known["price_usd"].to_numpy(np.float64)[at].copy()
    price[(at < 0) | (listed > micros(interactions["event_at"]))] = np.nan
    return price


def _market(area: Column, as_of: Micros, facts: Mapping[str, pd.DataFrame]) -> dict[str, Numbers]:
    index, properties = facts["market_index"], facts["properties"]
    ago = as_of - 90 * 86_400_000_000
    made = {name: np.full(len(as_of), np.nan) for name in ("value", "value_90d_ago", "price_usd")}
    for name in {value for value in area.tolist() if value is not None}:
        here = np.flatnonzero(area == name)
        series = index[index["area"] == name]
        clocks = micros(series["event_at"]), micros(series["recorded_at"])
        values = series["value"].to_numpy(np.float64)
        made["value"][here] = _newest_known(*clocks, values, as_of[here])
        made["value_90d_ago"][here] = _newest_known(*clocks, values, as_of[here], happened_by=ago[here])
        homes = properties[properties["area"] == name]
        made["price_usd"][here] = _median_known(homes, as_of[here])
    return made


def _newest_known(
    happened: Micros, learned: Micros, values: Numbers, as_of: Micros, *, happened_by: Micros | None = None
) -> Numbers:
    """Value with the latest ``happened`` at or before a moment, among those learned by ``as_of``."""
    limit = as_of if happened_by is None else happened_by
    found = np.full(len(as_of), np.nan)
    latest = np.full(len(as_of), np.iinfo(np.int64).min)
    for moment, told, value in zip(happened.tolist(), learned.tolist(), values.tolist(), strict=True):
        newer = (moment <= limit) & (told <= as_of) & (moment >= latest)
        found[newer], latest[newer] = value, moment
    return found


def _median_known(homes: pd.DataFrame, as_of: Micros) -> Numbers:
    """Median asking price of the homes known at each moment."""
    known_at = np.maximum(micros(homes["event_at"]), micros(homes["recorded_at"]))
    order = np.argsort(known_at, kind="stable")
    prices = homes["price_usd"].to_numpy(np.float64)[order]
    counts = np.searchsorted(known_at[order], as_of, side="right")
    medians = {int(n): np.nanmedian(prices[:n]) if n else np.nan for n in np.unique(counts)}
    return np.array([medians[int(n)] for n in counts], dtype=np.float64)
