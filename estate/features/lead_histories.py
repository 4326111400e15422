"""Histories of leads from what one statement read; the bits are those of :func:`build_histories`."""

from __future__ import annotations

from bisect import insort
from typing import Any, cast

import numpy as np

from estate.core.frame import Column, Numbers
from estate.features.coded_events import Coded, CodedEvents
from estate.features.events import DAY_US, Events, Micros
from estate.features.histories import Histories
from estate.store.lead_facts import EventRows, LeadFacts, Part, Series


class NotRead(LookupError):
    """A feature asked for facts that were not read.

    Parameters
    ----------
    part : str
        What must be read for it.
    """

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


def lead_histories(facts: LeadFacts) -> Histories:
    """Arrange facts as features read them; whatever was not read raises NotRead when it is asked for."""
    interactions, messages = facts.interactions, facts.messages
    return Histories(
        as_of=facts.moment,
        created=facts.created,
        lead={**facts.categories, **facts.numbers},
        interactions=_events(facts, interactions, "kind") if interactions else _not_read("interactions"),
        messages=_events(facts, messages, "direction") if messages else _not_read("messages"),
        market=_market(facts),
    )


class _Columns(dict[str, Column]):
    """Columns by name; one that was not read raises."""

    def __missing__(self, name: str) -> Column:
        if name in ("value", "value_90d_ago"):
            raise NotRead("index")
        if name == "price_usd":
            raise NotRead("viewed_prices" if "kind" in self else "homes")
        raise KeyError(name)


class _Unread:
    """Stands where events would be."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        raise NotRead(self._part)

    def __getitem__(self, name: str) -> Any:
        raise NotRead(self._part)


def _not_read(part: Part) -> Events:
    return cast(Events, _Unread(part))


def _events(facts: LeadFacts, rows: EventRows, name: str) -> Events:
    coded = Coded.of(rows.name)
    age = facts.moment[rows.lead] - rows.happened
    columns = _Columns({name: coded.values, **rows.numbers})
    return CodedEvents(len(facts.moment), rows.lead, age, columns, {name: coded})


def _market(facts: LeadFacts) -> dict[str, Numbers]:
    made = _Columns()
    if facts.index is not None:
        area, moment = facts.categories["area"], facts.moment
        made["value"] = _values(facts.index, area, moment, happened_by=moment)
        made["value_90d_ago"] = _values(facts.index, area, moment, happened_by=moment - 90 * DAY_US)
    if facts.homes is not None:
        made["price_usd"] = _prices(facts.homes, facts.categories["area"], facts.moment)
    return made


def _values(index: dict[str, Series], area: Column, moment: Micros, *, happened_by: Micros) -> Numbers:
    """Newest value of each lead's area that had happened by a time and was learned by its moment."""
    made = np.full(len(moment), np.nan)
    for name, (happened, learned, values) in index.items():
        here = np.flatnonzero(area == name)
        known = (happened <= happened_by[here, None]) & (learned <= moment[here, None])
        newest = known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
        made[here] = np.where(known.any(axis=1), values[newest], np.nan)
    return made


def _prices(homes: dict[str, tuple[Micros, Numbers]], area: Column, moment: Micros) -> Numbers:
    """Median asking price in each lead's area, of the homes known at its moment."""
    made = np.full(len(moment), np.nan)
    for name, (known, prices) in homes.items():
        here = np.flatnonzero(area == name)
        counts = np.searchsorted(known, moment[here], side="right")
        wanted = np.unique(counts)
        medians = _medians(prices, wanted) if len(wanted) > 8 else [_median(prices[:n]) for n in wanted]
        made[here] = np.array(medians)[np.searchsorted(wanted, counts)]
    return made


def _median(prices: Numbers) -> float:
    known = np.sort(prices[~np.isnan(prices)])
    return _middle(known.tolist())


def _medians(prices: Numbers, counts: Micros) -> list[float]:
    """Median of the first so many prices, for each of the rising counts, in one walk."""
    found, ordered, done = [], list[float](), 0
    listed = prices.tolist()
    for count in counts.tolist():
        for price in listed[done:count]:
            if price == price:  # noqa: PLR0124  NaN is not known
                insort(ordered, price)
        done = count
        found.append(_middle(ordered))
    return found


def _middle(ordered: list[float]) -> float:
    half, odd = divmod(len(ordered), 2)
    if not ordered:
        return float("nan")
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2.0
