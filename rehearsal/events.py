"""What happened in a rehearsal, in the order of the pretended time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from estate.core.frame import Numbers
from rehearsal.desk import Training


@dataclass(frozen=True)
class Event:
    """Something that a person would have been told.

    Parameters
    ----------
    row : int
        How many replayed rows were answered before it.
    moment : datetime
    kind : str
        ``alarm`` (the watch decided something else than quiet), ``held`` (the governor let a request wait or
        refused it), ``trained``, ``promoted``, ``refused`` (by the gate).
    text : str
    codes : tuple of str
        Of an alarm's findings.
    """

    row: int
    moment: datetime
    kind: str
    text: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replayed:
    """What one way of retraining did.

    Parameters
    ----------
    name : str
    p : float64 array of shape (replayed rows,)
        Each answered by what was in use at its time.
    trainings : tuple of Training
    events : tuple of Event
        Of the platform itself; empty for the naive ways.
    seconds : float
        Wall time.
    """

    name: str
    p: Numbers
    trainings: tuple[Training, ...]
    events: tuple[Event, ...]
    seconds: float
