"""What is for sale and what leads looked at, read from the store as of now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic

import numpy as np

from estate.features.fact_columns import FactColumns
from estate.features.histories import Histories
from estate.features.homes import LOOKS, Looks, Offers, Wishes
from estate.features.homes.looks import POPULAR_DAYS
from estate.services.property_matching.schema import HomesNow, LeadNow
from estate.store.database import Database
from estate.store.facts import read_fact_table
from estate.store.lead_statement import Part
from estate.store.looks_lately import count_looks

LEAD_PARTS: frozenset[Part] = frozenset({"interactions", "viewed_homes", "viewed_names"})
"""What of a lead's facts must be read for :func:`leads_now`."""

KEPT_SECONDS = 15.0


def read_homes(database: Database, *, as_of: datetime) -> HomesNow:
    """Return what is for sale as far as is known at a moment.

    Raises
    ------
    StoreError
        If the database can't be reached or lacks a table.
    """
    properties, listings = (
        FactColumns(read_fact_table(database, kind, as_of=as_of, versions=True))
        for kind in ("properties", "listings")
    )
    moment = round(as_of.timestamp() * 1e6)
    offers = Offers.of(properties, listings).at(moment)
    with database.begin() as connection:
        seen = count_looks(connection, LOOKS, after=as_of - timedelta(days=POPULAR_DAYS), until=as_of)
    popular = np.array([seen.get(name, 0) for name in offers.ids.tolist()], dtype=np.float64)
    named = zip(properties.texts("property_id").tolist(), properties.texts("kind").tolist(), strict=True)
    return HomesNow(offers, popular, dict(named))


def leads_now(lead_ids: Sequence[str], histories: Histories, homes: HomesNow) -> list[LeadNow]:
    """Return leads one by one from histories that hold :data:`LEAD_PARTS`."""
    made = []
    for place, lead_id in enumerate(lead_ids):
        one = slice(place, place + 1)
        as_of, said = histories.as_of[one], histories.lead
        wishes = Wishes(
            np.zeros(1, dtype=np.int64),
            as_of,
            said["area"][one],
            said["budget_usd"][one],
            said["bedrooms_wanted"][one],
        )
        own = histories.interactions.part(place, place + 1)
        made.append(LeadNow(lead_id, wishes, Looks.of_events(own, as_of, homes.kinds)))
    return made


class HomesForSale:
    """What is for sale, read again when it is older than some seconds; safe to share between threads.

    While one thread reads, the others go on with what was read before.

    Parameters
    ----------
    find : callable
        Returns the database; asked at each reading.
    clock : callable
        Returns the present moment.
    seconds : float
        How long it is kept.
    """

    def __init__(
        self, find: Callable[[], Database], clock: Callable[[], datetime], *, seconds: float = KEPT_SECONDS
    ) -> None:
        self._find, self._clock, self._seconds = find, clock, seconds
        self._lock = threading.Lock()
        self._kept: tuple[float, HomesNow] | None = None

    def read(self) -> HomesNow:
        """Return what is for sale.

        Raises
        ------
        StoreError
            If the database can't be reached and nothing was read before.
        """
        kept = self._kept
        if kept is not None and monotonic() - kept[0] < self._seconds:
            return kept[1]
        if not self._lock.acquire(blocking=kept is None):
            assert kept is not None
            return kept[1]
        try:
            if self._kept is not None and self._kept is not kept:
                return self._kept[1]
            found = read_homes(self._find(), as_of=self._clock())
            self._kept = (monotonic(), found)
            return found
        finally:
            self._lock.release()
