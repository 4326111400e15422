"""When leads leave: a discrete hazard of each day, by level of risk, from leads whose horizon is over.

Of the leads of a level that were still there on the morning of a day, and had not been won, some left on it:
that share is the day's hazard, and what survives all days up to one is the Kaplan-Meier estimate. What a lead
is told is the shape of its level's curve, stretched so that it ends at the lead's own probability.

References
----------
Kaplan, Meier (1958), "Nonparametric estimation from incomplete observations", Journal of the American
Statistical Association 53.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from estate.core.frame import Numbers
from estate.services.churn.levels import EDGES, LEVELS, levels_of
from estate.services.churn.schema import Level, Measured, Timing

LEAST_LEFT = 20
"""Leads of a level that have left, below which the curve of all levels together is taken; and of all
together, below which leaving is taken to be as likely on every day."""


@dataclass(frozen=True)
class Curve:
    """How leaving is spread over the horizon.

    Parameters
    ----------
    left : tuple of float
        Share of all that leave within the horizon that has left at the end of each day; from 0 on day 0 to 1
        on the last, rising.
    basis : {"measured", "stated"}
    """

    left: tuple[float, ...]
    basis: Measured

    @property
    def days(self) -> int:
        """Length of the horizon in days."""
        return len(self.left) - 1

    def at(self, day: float) -> float:
        """Return the share that has left by a day, in [0, 1]."""
        return float(np.interp(day, np.arange(len(self.left)), self.left))

    def day_of(self, share: float) -> float:
        """Return the day by which a share has left."""
        rising = np.asarray(self.left) + np.arange(len(self.left)) * 1e-12
        return float(np.interp(share, rising, np.arange(len(self.left))))


def even(days: int) -> Curve:
    """Return the curve of leaving that is as likely on every day: what is stated until something is measured.

    Examples
    --------
    >>> even(4).left
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """
    return Curve(tuple(day / days for day in range(days + 1)), "stated")


def curves(risk: Numbers, left_after: Numbers, gone_after: Numbers, *, days: int) -> Mapping[Level, Curve]:
    """Estimate the curve of each level from leads whose horizon is over.

    Parameters
    ----------
    risk : float64 array of shape (n,)
        What each was judged at.
    left_after : float64 array of shape (n,)
        Days from then until it left; infinite if it did not.
    gone_after : float64 array of shape (n,)
        Days until it was won and could not leave any more; infinite if it was not.
    days : int
        Of the horizon.
    """
    level = np.array(levels_of(risk), dtype=object)
    all_levels = _curve(left_after, gone_after, days) or even(days)
    made: dict[Level, Curve] = {}
    for name in LEVELS:
        own = level == name
        made[name] = _curve(left_after[own], gone_after[own], days) or all_levels
    return made


def _curve(left_after: Numbers, gone_after: Numbers, days: int) -> Curve | None:
    if (left_after <= days).sum() < LEAST_LEFT:
        return None
    stays, survived = 1.0, [1.0]
    for day in range(days):
        there = (left_after > day) & (gone_after > day)
        leaves = there & (left_after <= day + 1) & (left_after <= gone_after)
        stays *= 1.0 - leaves.sum() / max(there.sum(), 1)
        survived.append(stays)
    left = 1.0 - np.array(survived)
    return Curve(tuple((left / left[-1]).tolist()), "measured")


def risk_from(risk: float, curve: Curve, since_days: float) -> float:
    """Return the risk from a day on, of a lead that is still there then.

    Examples
    --------
    >>> round(risk_from(0.5, even(30), 15.0), 3)
    0.333
    """
    left = curve.at(since_days)
    return risk * (1.0 - left) / max(1.0 - risk * left, 1e-12)


def timing_of(risk: float, curve: Curve, since_days: float) -> Timing | None:
    """Return when a lead is expected to leave that is still there so many days into its horizon.

    None if the horizon is over.

    Examples
    --------
    >>> found = timing_of(0.5, even(30), 10.0)
    >>> round(found.median_days, 3), round(found.by_level["medium"], 3), found.by_level["very high"]
    (10.0, 10.0, None)
    """
    since, days = max(since_days, 0.0), curve.days
    if since >= days:
        return None
    gone = curve.at(since)
    reached: dict[Level, float | None] = {}
    for name, edge in zip(LEVELS[1:], EDGES, strict=True):
        # the chance by a day is risk * (left - gone) / (1 - risk * gone)
        share = gone + edge * (1.0 - risk * gone) / max(risk, 1e-12)
        reached[name] = None if share > 1.0 else max(curve.day_of(share) - since, 0.0)
    return Timing(
        median_days=max(curve.day_of(gone + (1.0 - gone) / 2.0) - since, 0.0),
        by_level=reached,
        days_left=days - since,
        basis=curve.basis,
    )
