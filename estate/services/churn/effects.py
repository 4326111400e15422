"""What an intervention does, estimated: a stated prior, and the desk's own randomised outcomes.

The effect of a kind is the share of those who would leave that it keeps. Leads that were held back at random
say how many would have left; everybody who was proposed counts as treated, whatever was made of the proposal
(intention to treat), since who accepts one is no accident. Each lead weighs one over the probability of its
own arm.

References
----------
Hájek (1971), in "Foundations of Statistical Inference": means over weights that sum to one. Newcombe (1998),
"Interval estimation for the difference between independent proportions: comparison of eleven methods",
Statistics in Medicine 17: method 10.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.schema import Arm, Measured

if TYPE_CHECKING:
    from estate.store.interventions import Matured

PRIOR_EFFECT, PRIOR_DEVIATION = 0.1, 0.1
"""What is assumed of every kind until outcomes say more: it keeps a tenth of those who would leave, give or
take a tenth (mean and standard deviation of a normal prior)."""
LEAST_LEADS = 30
"""In each arm; with fewer an uplift is not told."""

_Z = 1.959963984540054


@dataclass(frozen=True)
class Tried:
    """One lead of a round that is over.

    Parameters
    ----------
    kind : str
    arm : {"proposed", "held_back"}
    propensity : float
        Probability of the arm that it got, in (0, 1].
    left, converted : bool
        Within the horizon from the proposal.
    """

    kind: str
    arm: Arm
    propensity: float
    left: bool
    converted: bool = False


@dataclass(frozen=True)
class Uplift:
    """How many fewer left for being proposed something.

    Parameters
    ----------
    kind : str
        Or "all".
    proposed, held_back : int
        Leads in each arm whose horizon is over.
    left_proposed, left_held_back : float, optional
        Weighted shares that left; None without leads.
    difference, low, high : float, optional
        Share that left of those held back, less that of those proposed, with its 95 % interval: above 0 the
        intervention keeps leads. None where there is not enough.
    sentence : str
    """

    kind: str
    proposed: int
    held_back: int
    left_proposed: float | None
    left_held_back: float | None
    difference: float | None
    low: float | None
    high: float | None
    sentence: str


@dataclass(frozen=True)
class Effect:
    """An estimated effect.

    Parameters
    ----------
    value, deviation : float
        Of the posterior: the share of those who would leave that is kept.
    basis : {"measured", "stated"}
        "measured" once both arms have enough leads to be told.
    """

    value: float
    deviation: float
    basis: Measured


@dataclass(frozen=True)
class _Share:
    """A weighted share and how many equal leads would tell it as surely."""

    share: float
    leads: float

    def wilson(self) -> tuple[float, float]:
        n, z2 = self.leads, _Z * _Z
        middle = (self.share + z2 / (2 * n)) / (1 + z2 / n)
        spread = _Z * math.sqrt(self.share * (1 - self.share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - spread), min(1.0, middle + spread)


def tried(one: Matured) -> Tried:
    """Return what the store knows of a round that is over."""
    arm: Arm = "held_back" if one.arm == "held_back" else "proposed"
    return Tried(one.kind, arm, one.propensity, one.left, one.converted)


def uplifts(rows: Sequence[Tried]) -> list[Uplift]:
    """Return the uplift of all kinds together and of each that was tried, "all" first.

    Examples
    --------
    >>> [one.sentence for one in uplifts([Tried("call", "proposed", 0.9, False)])]
    ['not enough: 1 proposed and 0 held back, 30 of each are needed', \
'not enough: 1 proposed and 0 held back, 30 of each are needed']
    """
    kinds = [kind for kind in INTERVENTIONS if any(one.kind == kind for one in rows)]
    return [_uplift("all", rows)] + [_uplift(k, [one for one in rows if one.kind == k]) for k in kinds]


def effects(rows: Sequence[Tried]) -> Mapping[str, Effect]:
    """Return the effect of every kind: the prior, moved by what its two arms say.

    The estimate of a kind is one minus the ratio of the shares that left. Its variance is that of the ratio
    where there is no effect (delta method, both arms pooled), and half a lead is added to each side of each
    arm: a few leads that all stayed say little rather than everything.
    """
    return {kind: _effect([one for one in rows if one.kind == kind]) for kind in INTERVENTIONS}


def _effect(rows: Sequence[Tried]) -> Effect:
    treated, held = (_share(rows, arm, added=0.5) for arm in ("proposed", "held_back"))
    if treated is None or held is None:
        return Effect(PRIOR_EFFECT, PRIOR_DEVIATION, "stated")
    ratio = treated.share / held.share
    pooled = (treated.share * treated.leads + held.share * held.leads) / (treated.leads + held.leads)
    variance = (1 - pooled) / pooled * (1 / treated.leads + 1 / held.leads)
    weight = PRIOR_DEVIATION**2 / (PRIOR_DEVIATION**2 + variance)
    enough = min(sum(one.arm == arm for one in rows) for arm in ("proposed", "held_back")) >= LEAST_LEADS
    return Effect(
        PRIOR_EFFECT + weight * (1 - ratio - PRIOR_EFFECT),
        PRIOR_DEVIATION * math.sqrt(1 - weight),
        "measured" if enough else "stated",
    )


def _uplift(kind: str, rows: Sequence[Tried]) -> Uplift:
    counts = {arm: sum(one.arm == arm for one in rows) for arm in ("proposed", "held_back")}
    treated, held = _share(rows, "proposed"), _share(rows, "held_back")
    shares = (None if treated is None else treated.share, None if held is None else held.share)
    if treated is None or held is None or min(counts.values()) < LEAST_LEADS:
        sentence = (
            f"not enough: {counts['proposed']} proposed and {counts['held_back']} held back, "
            f"{LEAST_LEADS} of each are needed"
        )
        return Uplift(kind, counts["proposed"], counts["held_back"], *shares, None, None, None, sentence)
    (low_t, high_t), (low_h, high_h) = treated.wilson(), held.wilson()
    difference = held.share - treated.share
    low = difference - math.hypot(held.share - low_h, high_t - treated.share)
    high = difference + math.hypot(high_h - held.share, treated.share - low_t)
    verdict = "keeps leads" if low > 0 else "drives leads away" if high < 0 else "no effect is shown"
    sentence = (
        f"{100 * difference:+.1f} of 100 leads kept, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}: "
        f"{verdict}"
    )
    return Uplift(kind, counts["proposed"], counts["held_back"], *shares, difference, low, high, sentence)


def _share(rows: Sequence[Tried], arm: Arm, *, added: float = 0.0) -> _Share | None:
    weights = [(1 / one.propensity, one.left) for one in rows if one.arm == arm]
    if not weights:
        return None
    total = sum(weight for weight, _ in weights)
    leads = total * total / sum(weight * weight for weight, _ in weights)  # Kish's effective size
    left = leads * sum(weight for weight, gone in weights if gone) / total
    return _Share((left + added) / (leads + 2 * added), leads)
