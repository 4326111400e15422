"""How much a desk can do in a day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from estate.core.errors import SettingsError
from estate.services.churn.interventions import INTERVENTIONS


@dataclass(frozen=True)
class Capacity:
    """What may still be proposed.

    Parameters
    ----------
    minutes : float
        Of all agents together; infinite without a limit.
    most : mapping of str to int
        How many of a kind; kinds that are not named have no limit.

    Raises
    ------
    SettingsError
        If a kind is not one of the ten.

    Examples
    --------
    >>> Capacity(60.0, {"call": 2}).less(["call", "market_update"])
    Capacity(minutes=43.0, most={'call': 1})
    >>> Capacity(most={"letter": 2})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    estate.core.errors.SettingsError: kind of intervention: expected one of answer_open, ..., got letter. ...
    """

    minutes: float = math.inf
    most: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.most) - set(INTERVENTIONS))
        if unknown:
            raise SettingsError(
                "kind of intervention",
                expected=f"one of {', '.join(sorted(INTERVENTIONS))}",
                got=", ".join(unknown),
                todo="Correct LEADLOOP_INTERVENTION_MOST.",
            )

    @property
    def unlimited(self) -> bool:
        """Whether everything fits."""
        return math.isinf(self.minutes) and not self.most

    def fits(self, kind: str, *, instead_of: str | None = None) -> bool:
        """Say whether one more of a kind fits, or one instead of another."""
        room = kind == instead_of or self.most.get(kind, 1) > 0
        return room and minutes_of(kind) - minutes_of(instead_of) <= self.minutes

    def less(self, kinds: Iterable[str], *, again: str | None = None) -> Capacity:
        """Return what is left after some of these kinds, and with one given back."""
        minutes, most = self.minutes + minutes_of(again), dict(self.most)
        if again in most:
            most[again] += 1
        for kind in kinds:
            minutes -= minutes_of(kind)
            if kind in most:
                most[kind] -= 1
        return replace(self, minutes=minutes, most=most)


def minutes_of(kind: str | None) -> float:
    """Return an agent's minutes of a kind; 0 for none, and for one that is not in the catalog any more."""
    found = INTERVENTIONS.get(kind) if kind is not None else None
    return 0.0 if found is None else found.minutes


def capacity_of(minutes: float | None, most: Mapping[str, int]) -> Capacity:
    """Return the capacity of a whole day, as it is set; raises SettingsError for a kind that there is not."""
    return Capacity(math.inf if minutes is None else minutes, most)


def day_of(at: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return the beginning and the end of the desk's day that a moment is in.

    Raises
    ------
    SettingsError
        If there is no such time zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> begin, end = day_of(datetime(2026, 3, 8, 3, 20, tzinfo=UTC), "America/New_York")
    >>> begin.astimezone(UTC).isoformat(), end - begin
    ('2026-03-07T05:00:00+00:00', datetime.timedelta(days=1))
    """
    try:
        there = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            "time zone of the desk",
            expected="one such as America/New_York",
            got=repr(zone),
            todo="Correct LEADLOOP_DESK_TIMEZONE.",
        ) from error
    begin = there.replace(hour=0, minute=0, second=0, microsecond=0)
    return begin, begin + timedelta(days=1)  # by the clock on the wall: 23 or 25 hours twice a year
