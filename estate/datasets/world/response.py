"""The true probability of each outcome: a known function of what the desk can know.

Log-odds are a weighted sum of terms; terms saturate and combine, so no plain linear model of the counts gets
all of it. A drift moves the weights from the first set to the second.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from estate.core.frame import Numbers
from estate.datasets.world.observables import Observables
from estate.datasets.world.people import FINANCING, SOURCES, People

Weights = Mapping[str, tuple[float, float]]

CONVERSION: Weights = {
    "one": (-3.35, -3.6),
    "replies": (1.37, 2.1),
    "fresh_reply": (0.86, 0.3),
    "calls": (0.43, 1.1),
    "tours": (1.08, 0.5),
    "tours_in_budget": (0.72, 0.3),
    "views": (0.25, 0.0),
    "saves": (0.5, 0.1),
    "visits": (0.22, 0.5),
    "budget_off": (-1.58, -1.2),
    "no_budget": (-0.36, 0.3),
    "long_timeline": (-0.65, 0.4),
    "no_timeline": (-0.29, -0.1),
    "slow_response": (-0.4, -0.2),
    "slow_response_when_urgent": (-0.32, 0.0),
    "price_index": (2.16, -2.0),
    "portal": (-0.07, 0.7),
    "website": (0.07, -0.4),
    "referral": (0.65, -0.3),
    "ads": (-0.43, 0.5),
    "open_house": (0.36, -0.4),
    "social": (-0.65, -0.9),
    "social_views": (-0.36, -0.5),
    "social_tours": (0.86, 1.2),
    "cash": (0.58, 1.5),
    "preapproved": (0.43, -0.2),
}
CHURN: Weights = {
    "one": (-2.83, -2.57),
    "silence": (1.1, 0.6),
    "falling": (-0.5, -0.9),
    "slow_response": (0.45, 0.9),
    "few_answers": (0.7, 0.1),
    "activity": (-0.55, -0.2),
    "slow_and_silent": (0.35, 0.2),
    "long_timeline": (0.35, -0.4),
    "portal": (0.2, -0.4),
    "ads": (0.5, 0.1),
    "referral": (-0.5, 0.4),
    "social": (0.8, 0.8),
}


def conversion(people: People, known: Observables, level: Numbers) -> Numbers:
    """Return the probability that each lead converts, given what is known of it at 7 days.

    Parameters
    ----------
    people : People
    known : Observables
    level : float64 array in [0, 1]
        How far the weights have moved.
    """
    replies, tours, views = known.count("reply"), known.count("tour"), known.count("listing_view")
    off = np.abs(np.log(known.budget_ratio))
    urgent = np.nan_to_num(people.timeline_days, nan=365.0) <= 60
    slow = np.log1p(known.first_response_hours / 3)
    social = people.source == SOURCES.index("social")
    terms = {
        "one": np.ones(len(people)),
        "replies": 1 - np.exp(-replies / 1.5),
        "fresh_reply": np.exp(-known.days_since_reply / 2),
        "calls": np.minimum(known.count("call"), 3),
        "tours": np.minimum(tours, 2),
        "tours_in_budget": ((tours > 0) & (off < 0.25)).astype(np.float64),
        "views": np.log1p(views),
        "saves": np.minimum(known.count("listing_save"), 3),
        "visits": np.log1p(known.count("visit")),
        "budget_off": np.nan_to_num(np.minimum(off, 1.0)),
        "no_budget": np.isnan(off).astype(np.float64),
        "slow_response": slow,
        "slow_response_when_urgent": slow * urgent,
        "price_index": np.log(known.price_index / 100),
        "social_views": social * np.log1p(views),
        "social_tours": social * np.minimum(tours, 2),
        **_timeline(people),
        **_sources(people),
        "cash": (people.financing == FINANCING.index("cash")).astype(np.float64),
        "preapproved": (people.financing == FINANCING.index("preapproved")).astype(np.float64),
    }
    return _probability(terms, CONVERSION, level)


def churn(people: People, known: Observables, level: Numbers) -> Numbers:
    """Return the probability that a lead that will not convert says so, given what is known at 21 days."""
    silence = np.minimum(known.days_since_last, 21.0) / 7
    slow = np.log1p(known.first_response_hours / 3)
    terms = {
        "one": np.ones(len(people)),
        "silence": silence,
        "falling": np.log((known.counts_last_week + 1) / (known.counts_first_week + 1)),
        "slow_response": slow,
        "few_answers": 1 - np.minimum(known.count("reply") / (known.messages_out + 1), 1.0),
        "activity": np.log1p(known.counts.sum(axis=1)),
        "slow_and_silent": slow * (silence > 1),
        **_timeline(people),
        **_sources(people),
    }
    return _probability(terms, CHURN, level)


def _timeline(people: People) -> dict[str, Numbers]:
    return {
        "long_timeline": np.nan_to_num(np.log(people.timeline_days / 60)),
        "no_timeline": np.isnan(people.timeline_days).astype(np.float64),
    }


def _sources(people: People) -> dict[str, Numbers]:
    return {name: (people.source == code).astype(np.float64) for code, name in enumerate(SOURCES)}


def _probability(terms: Mapping[str, Numbers], weights: Weights, level: Numbers) -> Numbers:
    names = list(weights)
    matrix: NDArray[np.float64] = np.stack([terms[name] for name in names], axis=1)
    before = np.array([weights[name][0] for name in names])
    after = np.array([weights[name][1] for name in names])
    return np.asarray(expit((1 - level) * (matrix @ before) + level * (matrix @ after)))
