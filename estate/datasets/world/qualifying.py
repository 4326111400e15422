"""Which leads the desk finds able to pay: it asks in the second and third week, and not everybody tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from estate.core.frame import Numbers
from estate.datasets.world.observables import Observables
from estate.datasets.world.people import FINANCING, People
from estate.datasets.world.world import CONVERSION_AGE_DAYS, DAY, HOUR, Micros, World

_QUALIFYING = 4
_LONGEST_DAYS, _LONGEST_REPORT_DAYS = 18.0, 2.0


@dataclass(frozen=True)
class Qualifications:
    """What the desk finds of n leads; arrays of shape (n,).

    Parameters
    ----------
    p_qualified : float64 array
        True probability at 7 days of age.
    qualified_at, recorded_at : int64 array
        -1 where it does not happen.
    """

    p_qualified: Numbers
    qualified_at: Micros
    recorded_at: Micros


def qualify(world: World, people: People, known: Observables) -> Qualifications:
    """Draw who is found to be qualified within three weeks of the age of 7 days.

    It depends on what is known at that age: budget over the area's prices, how the lead pays, whether it
    talks to the desk. The drifts of the world do not change it.
    """
    u = np.empty((len(people), 3))
    for day in np.unique(people.day).tolist():
        here = np.flatnonzero(people.day == day)
        draws = world.stream(_QUALIFYING, int(day)).random((int(people.number[here].max()) + 1, 3))
        u[here] = draws[people.number[here]]
    ratio = np.log(known.budget_ratio)
    talks = known.count("call") + known.count("reply")
    logit = (
        -1.1
        + 2.4 * np.clip(np.nan_to_num(ratio, nan=-0.25), -0.8, 0.4)
        - 0.5 * np.isnan(ratio)
        + 1.3 * (people.financing == FINANCING.index("preapproved"))
        + 1.7 * (people.financing == FINANCING.index("cash"))
        + 0.8 * (1 - np.exp(-talks / 1.5))
    )
    p = np.asarray(expit(logit))
    happens = u[:, 0] < p
    days = CONVERSION_AGE_DAYS + 0.5 + _LONGEST_DAYS * u[:, 1]
    at = people.event_at + np.rint(days * DAY).astype(np.int64)
    told = at + np.rint(_LONGEST_REPORT_DAYS * 24 * u[:, 2] * HOUR).astype(np.int64)
    return Qualifications(p, np.where(happens, at, -1), told)
