"""How the simulated world changes, and from which day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from estate.core.errors import SpecError
from estate.core.frame import Numbers


class DriftKind(StrEnum):
    """What changes."""

    GRADUAL = "gradual"
    SUDDEN = "sudden"
    SEASONAL = "seasonal"
    BROKEN_FEED = "broken_feed"
    NEW_SOURCE = "new_source"


@dataclass(frozen=True)
class Effect:
    """What a drift does at its full level.

    Parameters
    ----------
    activity : mapping of str to float
        Factors on the rate of kinds of interactions; at most :data:`~.behaviour.CEILING`.
    budget : float
        Factor on budgets of new leads.
    arrivals : float
        Factor on the number of new leads.
    response : float
        How far the weights of the outcomes move towards their other set; in [0, 1].
    lost : tuple of str
        Kinds of interactions that happen but never arrive.
    new_source : float
        Share of new leads that come from a source that was not there before; in [0, 1].
    """

    activity: Mapping[str, float] = field(default_factory=dict)
    budget: float = 1.0
    arrivals: float = 1.0
    response: float = 0.0
    lost: tuple[str, ...] = ()
    new_source: float = 0.0


EFFECTS: Mapping[DriftKind, Effect] = {
    DriftKind.GRADUAL: Effect({"email_open": 0.6, "listing_view": 1.4}, budget=0.8, response=1.0),
    DriftKind.SUDDEN: Effect({"listing_view": 2.0, "reply": 0.5}, budget=0.75, response=1.0),
    DriftKind.SEASONAL: Effect({"visit": 1.4, "tour": 1.4}, budget=1.1, arrivals=1.3, response=0.5),
    DriftKind.BROKEN_FEED: Effect(lost=("email_open", "email_click", "visit")),
    DriftKind.NEW_SOURCE: Effect(new_source=0.3),
}
_LENGTHS = {DriftKind.GRADUAL: 60.0, DriftKind.SEASONAL: 90.0, DriftKind.BROKEN_FEED: 14.0}


@dataclass(frozen=True)
class Drift:
    """A change of the simulated world.

    Parameters
    ----------
    kind : DriftKind or str
    day : int
        Day of the world on which it begins.
    length_days : float, optional
        Gradual: days from no change to the whole (60). Seasonal: days of one period (90). The others: days
        until it is over again (broken_feed 14; sudden and new_source stay).

    Examples
    --------
    >>> Drift("gradual", day=100, length_days=10).level(np.array([99.0, 105.0, 200.0])).tolist()
    [0.0, 0.5, 1.0]
    >>> Drift("sideways", day=1)
    Traceback (most recent call last):
    estate.core.errors.SpecError: drift: expected one of gradual, sudden, seasonal, broken_feed, new_source, \
got 'sideways'.
    """

    kind: DriftKind | str
    day: int
    length_days: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in list(DriftKind):
            raise SpecError("drift", expected=f"one of {', '.join(DriftKind)}", got=repr(str(self.kind)))
        if self.length_days is not None and not self.length_days > 0:
            raise SpecError("drift", expected="more than 0 days", got=repr(self.length_days))

    @property
    def effect(self) -> Effect:
        """What it does at its full level."""
        return EFFECTS[DriftKind(self.kind)]

    def level(self, days: Numbers) -> Numbers:
        """Return how far the change has come at the given times.

        Parameters
        ----------
        days : float64 array
            Days since the beginning of the world.

        Returns
        -------
        float64 array in [0, 1]
        """
        kind = DriftKind(self.kind)
        length = self.length_days or _LENGTHS.get(kind, np.inf)
        since = days - self.day
        match kind:
            case DriftKind.GRADUAL:
                return np.clip(since / length, 0.0, 1.0)
            case DriftKind.SEASONAL:
                return np.where(since >= 0, 0.5 - 0.5 * np.cos(2 * np.pi * since / length), 0.0)
            case DriftKind.SUDDEN | DriftKind.BROKEN_FEED | DriftKind.NEW_SOURCE:
                return ((since >= 0) & (since < length)).astype(np.float64)
