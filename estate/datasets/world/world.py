"""What defines a simulated world: the same definition gives the same facts, to the last microsecond."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import SpecError
from estate.core.frame import Numbers
from estate.datasets.world.drift import Drift, Effect

Micros = NDArray[np.int64]
"""Times of the world: whole microseconds since its beginning, as exact as the database keeps them."""

HOUR = 3_600_000_000
DAY = 24 * HOUR
CONVERSION_AGE_DAYS, CHURN_AGE_DAYS = 7, 21
"""Age of a lead at which its outcome is drawn from what is known of it then."""

_NO_EFFECT = Effect()
_BEFORE = 100_000  # streams of days before the beginning need a number of their own


@dataclass(frozen=True, kw_only=True)
class World:
    """A simulated lead desk.

    Parameters
    ----------
    seed : int
        0 or more. Every day has its own random stream, so more days change nothing in earlier ones.
    leads_per_day : float
        Mean over a week.
    start : date
        First day, in UTC.
    days : int
        How long it goes on.
    drift : Drift, optional
        Before its day the world is the same as without it.
    """

    seed: int = 0
    leads_per_day: float = 100.0
    start: date = date(2026, 1, 5)
    days: int = 150
    drift: Drift | None = None

    def __post_init__(self) -> None:
        for name, value, least in (("seed", self.seed, 0), ("days", self.days, 1)):
            if value < least:
                raise SpecError(f"world `{name}`", expected=f"at least {least}", got=str(value))
        if not 0 < self.leads_per_day <= 100_000:
            raise SpecError(
                "world `leads_per_day`", expected="more than 0, at most 100,000", got=str(self.leads_per_day)
            )

    def stream(self, what: int, day: int) -> np.random.Generator:
        """Return the random stream of one day for one purpose."""
        return np.random.default_rng([self.seed, what, day + _BEFORE])

    def at(self, day: int) -> datetime:
        """Return the first moment of a day."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC) + timedelta(days=day)

    @property
    def effect(self) -> Effect:
        """What the drift does at its full level."""
        return self.drift.effect if self.drift else _NO_EFFECT

    def drift_level(self, times: Micros) -> Numbers:
        """Return how far the drift has come, in [0, 1], at each time."""
        return self.drift.level(times / DAY) if self.drift else np.zeros(len(times))
