"""What becomes of the leads, when it happens, and when the desk learns of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv, ndtri

from estate.core.frame import Numbers
from estate.datasets.world.observables import Scene, observe
from estate.datasets.world.qualifying import Qualifications, qualify
from estate.datasets.world.response import churn, conversion
from estate.datasets.world.world import CHURN_AGE_DAYS, CONVERSION_AGE_DAYS, DAY, HOUR, Micros, World

LONGEST_CONVERSION_DAYS, LONGEST_CHURN_DAYS = 49.0, 27.0
"""After the draw; with the report's delay every conversion is known at 60 days of age, every churn at 51."""

_SHAPE, _SCALE_DAYS = 2.5, 7.5
_LONGEST_REPORT_DAYS = 3.0


@dataclass(frozen=True)
class Outcomes:
    """What becomes of n leads.

    Parameters
    ----------
    p_converted : float64 array of shape (n,)
        True probability at 7 days of age that the lead converts.
    p_churned : float64 array of shape (n,)
        True probability at 21 days that it churns; NaN where the desk knew then that it had converted.
    converted_at, churned_at : int64 arrays of shape (n,)
        -1 where it did not happen.
    conversion_recorded_at, churn_recorded_at : int64 arrays of shape (n,)
    qualifications : Qualifications
    """

    p_converted: Numbers
    p_churned: Numbers
    converted_at: Micros
    churned_at: Micros
    conversion_recorded_at: Micros
    churn_recorded_at: Micros
    qualifications: Qualifications


def decide(world: World, scene: Scene) -> Outcomes:
    """Draw the outcomes of all leads.

    A lead that will convert never churns, so at 21 days the probability of churn is that of a lead that won't
    convert, times the probability of being one, given that no conversion is known yet.
    """
    people, u = scene.people, scene.people.draws
    known = observe(scene, CONVERSION_AGE_DAYS)
    p = conversion(people, known, _level(world, scene, CONVERSION_AGE_DAYS))
    given_none = churn(people, observe(scene, CHURN_AGE_DAYS), _level(world, scene, CHURN_AGE_DAYS))
    converts = u["converts"] < p
    converted = people.event_at + _micros(CONVERSION_AGE_DAYS + conversion_delay_days(u["conversion"]))
    converted_known = converted + _micros(report_delay_days(u["conversion_report"]))
    churns = ~converts & (u["churns"] < given_none)
    churned = people.event_at + _micros(CHURN_AGE_DAYS + LONGEST_CHURN_DAYS * u["churn"] ** 1.5)
    known_by_then = converts & (converted_known <= people.event_at + CHURN_AGE_DAYS * DAY)
    never = (1 - p) / (1 - p * _share_known(CHURN_AGE_DAYS - CONVERSION_AGE_DAYS))
    return Outcomes(
        p_converted=p,
        p_churned=np.where(known_by_then, np.nan, never * given_none),
        converted_at=np.where(converts, converted, -1),
        churned_at=np.where(churns, churned, -1),
        conversion_recorded_at=converted_known,
        churn_recorded_at=churned + _micros(report_delay_days(u["churn_report"])),
        qualifications=qualify(world, people, known),
    )


def conversion_delay_days(uniform: Numbers) -> Numbers:
    """Return days from the draw to the conversion: a Gamma distribution cut off at its longest."""
    whole = gammainc(_SHAPE, LONGEST_CONVERSION_DAYS / _SCALE_DAYS)
    return np.asarray(_SCALE_DAYS * gammaincinv(_SHAPE, uniform * whole))


def report_delay_days(uniform: Numbers) -> Numbers:
    """Return days from an outcome to its record: most often about a day, at most three."""
    return np.asarray(np.minimum(0.8 * np.exp(0.8 * ndtri(uniform)), _LONGEST_REPORT_DAYS))


def _level(world: World, scene: Scene, age_days: int) -> Numbers:
    return world.effect.response * world.drift_level(scene.people.event_at + age_days * DAY)


def _micros(days: Numbers) -> NDArray[np.int64]:
    return np.rint(days * 24 * HOUR).astype(np.int64)


def _share_known(days: float) -> float:
    """Return the share of conversions that are recorded within so many days of their draw."""
    grid = (np.arange(1000) + 0.5) / 1000
    total = conversion_delay_days(grid)[:, None] + report_delay_days(grid)[None, :]
    return float((total <= days).mean())
