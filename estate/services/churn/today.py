"""What is taken of the desk's day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from estate.core.settings import Settings
from estate.services.churn.capacity import capacity_of, day_of, minutes_of
from estate.store.database import Database
from estate.store.interventions import count_waiting, kinds_between


@dataclass(frozen=True)
class Today:
    """What was proposed, or done, since the desk's day began, and what it can do.

    Parameters
    ----------
    minutes : float
        Taken.
    minutes_most : float, optional
        None: no limit.
    kinds, kinds_most : mapping of str to int
        How many of each kind are taken, and the limits.
    waiting : int
        Leads that wait.
    """

    minutes: float
    minutes_most: float | None
    kinds: Mapping[str, int]
    kinds_most: Mapping[str, int]
    waiting: int

    @property
    def sentence(self) -> str:
        """The same for a person.

        Examples
        --------
        >>> Today(35.0, 240.0, {"call": 2, "market_update": 1}, {"call": 10}, 7).sentence
        '35 of 240 minutes are taken, call 2 of 10; 7 leads wait'
        """
        of = "" if self.minutes_most is None else f" of {self.minutes_most:g}"
        limits = [f"{kind} {self.kinds.get(kind, 0)} of {most}" for kind, most in self.kinds_most.items()]
        return f"{', '.join([f'{self.minutes:g}{of} minutes are taken', *limits])}; {self.waiting} leads wait"


def day_of_desk(settings: Settings, database: Database, *, as_of: datetime) -> Today:
    """Return what is taken of the day that a moment is in.

    Raises
    ------
    SettingsError
        If a limit names a kind, or a time zone, that there is not.
    StoreError
        If the database is away.
    """
    capacity_of(settings.intervention_minutes, settings.intervention_most)
    with database.begin() as connection:
        kinds = kinds_between(connection, *day_of(as_of, settings.desk_timezone))
        waiting = count_waiting(connection, as_of=as_of)
    return Today(
        minutes=sum(map(minutes_of, kinds)),
        minutes_most=settings.intervention_minutes,
        kinds=dict(Counter(kinds)),
        kinds_most=dict(settings.intervention_most),
        waiting=waiting,
    )
