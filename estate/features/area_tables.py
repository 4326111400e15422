"""Facts of areas from tables of facts, arranged when a feature first asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from estate.features.fact_columns import FactColumns
from estate.store.lead_facts import Homes, Listings, Series


class AreaTables:
    """Facts by area.

    Parameters
    ----------
    tables : mapping of str to FactColumns
        ``market_index``, ``properties`` and ``listings``.
    """

    def __init__(self, tables: Mapping[str, FactColumns]) -> None:
        self._tables = tables

    @cached_property
    def index(self) -> dict[str, Series]:
        """Values of the market index, rising in time."""
        values = self._tables["market_index"]
        happened = values.times("event_at")
        columns = (
            happened,
            values.times("recorded_at"),
            values.times("superseded_at"),
            values.numbers("value"),
        )
        order, area = np.argsort(happened, kind="stable"), values.coded("area")
        rows = {name: order[area.codes[order] == code] for name, code in area.names.items()}
        return {name: tuple(column[here] for column in columns) for name, here in rows.items()}

    @cached_property
    def homes(self) -> dict[str, Homes]:
        """Versions of homes."""
        homes = self._tables["properties"]
        since = np.maximum(homes.times("event_at"), homes.times("recorded_at"))
        until, price, area = homes.times("superseded_at"), homes.numbers("price_usd"), homes.coded("area")
        rows = {name: np.flatnonzero(area.codes == code) for name, code in area.names.items()}
        return {name: (since[here], until[here], price[here]) for name, here in rows.items()}

    @cached_property
    def listings(self) -> dict[str, Listings]:
        """Versions of listings."""
        table = self._tables["listings"]
        listed, until, ended = (table.times(name) for name in ("event_at", "superseded_at", "ended_at"))
        since, sold = np.maximum(listed, table.times("recorded_at")), table.coded("status").among("sold")
        area = table.coded("area")
        rows = {name: np.flatnonzero(area.codes == code) for name, code in area.names.items()}
        return {
            name: (listed[here], since[here], until[here], ended[here], sold[here])
            for name, here in rows.items()
        }
