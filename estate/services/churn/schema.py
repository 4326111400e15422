"""What the service says of a lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Level = Literal["very low", "low", "medium", "high", "very high"]
Source = Literal["model", "rules"]
Measured = Literal["measured", "stated"]
"""Whether a number was measured on this desk, or is what is assumed until it can be."""
UsualOf = Literal["lead", "desk"]
Arm = Literal["proposed", "held_back"]
RoundState = Literal["proposed", "held_back", "waiting"]
"""An arm, or that it is not drawn yet since the desk can't turn to the lead today."""


@dataclass(frozen=True)
class LevelMeaning:
    """How often leads of a level left.

    Parameters
    ----------
    rows : int
        Leads that it was measured on.
    share, low, high : float, optional
        Share that left within the horizon, with its interval; None where nothing was measured.
    sentence : str
    """

    rows: int
    share: float | None
    low: float | None
    high: float | None
    sentence: str


@dataclass(frozen=True)
class Indicator:
    """A sign that a lead may leave.

    Parameters
    ----------
    name : str
        Of one of the ten in :mod:`~estate.services.churn.indicators`.
    value : float
    usual : float, optional
        What is usual for this lead, or for the desk; None where a value alone says it.
    usual_of : {"lead", "desk"}, optional
        Whose usual value it is.
    severity : float
        From 0.5, twice as bad as usual, to 1.
    evidence : str
        A sentence for a person, such as "no reply for 16 days, usual 3".
    """

    name: str
    value: float
    usual: float | None
    usual_of: UsualOf | None
    severity: float
    evidence: str


@dataclass(frozen=True)
class Timing:
    """When a lead is expected to leave.

    Parameters
    ----------
    median_days : float
        Half of those like it that leave have left so many days from now.
    by_level : mapping of str to float or None
        Days from now after which the chance to have left reaches the level's lower edge; None: not within
        the horizon.
    days_left : float
        Until the horizon ends.
    basis : {"measured", "stated"}
        From the desk's own leads, or as if leaving were as likely on every day.
    """

    median_days: float
    by_level: dict[Level, float | None]
    days_left: float
    basis: Measured


@dataclass(frozen=True)
class Proposal:
    """Something that the desk may do about a lead.

    Parameters
    ----------
    kind : str
        Of one of the ten in :mod:`~estate.services.churn.interventions`.
    title, channel : str
    answers : tuple of str
        Indicators of this lead that it answers, the most severe first.
    effect : float
        Share of those who would leave that it keeps, as estimated.
    effect_basis : {"measured", "stated"}
        Whether the desk's own outcomes are in the estimate.
    minutes : float
        Of an agent's time.
    cost_usd : float
    benefit_usd : float
        Expected: effect, times the risk that remains, times what a kept lead is worth, less the cost.
    """

    kind: str
    title: str
    channel: str
    answers: tuple[str, ...]
    effect: float
    effect_basis: Measured
    minutes: float
    cost_usd: float
    benefit_usd: float


@dataclass(frozen=True)
class Round:
    """The present round of a lead, or the one that the next nightly pass may begin.

    Parameters
    ----------
    number : int
        How many rounds were before.
    arm : {"proposed", "held_back", "waiting"}
        Drawn by chance; not drawn yet where the lead waits for a day on which the desk can turn to it.
    kind : str, optional
        What was chosen; None where the round has not begun.
    since : datetime, optional
    events : tuple of str
        What was made of it: accepted, declined, done.
    """

    number: int
    arm: RoundState
    kind: str | None
    since: datetime | None
    events: tuple[str, ...]


@dataclass(frozen=True)
class ChurnAnswer:
    """What is known of one lead's leaving.

    Parameters
    ----------
    lead_id : str
    as_of : datetime
        As of when the indicators are.
    judged_at_days : float
        Age as of which the risk is: the model's, or the lead's own if it is younger.
    risk : float
        Probability to leave within the horizon that begins at that age.
    risk_now : float
        Probability to leave from now until the horizon ends, given that the lead is still there. Where the
        horizon is over, the rules' risk as of now.
    level : str
        Of ``risk_now``.
    meaning : LevelMeaning
        Of the level; measured for ``risk``.
    source, version : str
        Who judged: the model with its version, or the rules; ``"rules"`` too where the horizon is over.
    indicators : tuple of Indicator
        Those that fire, the most severe first.
    not_known : tuple of str
        Indicators that this lead has no data for.
    timing : Timing, optional
        None where the horizon is over.
    proposals : tuple of Proposal
        The best first; empty where nothing is worth its cost, and for a lead that is held back or waits.
    notes : tuple of str
        What is missing or otherwise than usual in this answer.
    prediction_id : str, optional
        Under which the model's answer is kept.
    round : Round, optional
        None where it is not known.
    """

    lead_id: str
    as_of: datetime
    judged_at_days: float
    risk: float
    risk_now: float
    level: Level
    meaning: LevelMeaning
    source: Source
    version: str
    indicators: tuple[Indicator, ...]
    not_known: tuple[str, ...]
    timing: Timing | None
    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...] = ()
    prediction_id: str | None = None
    round: Round | None = None
