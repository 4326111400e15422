"""What one model says of one lead: what the lead services are composed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from estate.core.prediction import AnsweredBy


@dataclass(frozen=True)
class Said:
    """What one feature contributes to a score, in words.

    Parameters
    ----------
    feature : str
    text : str
        The feature and its value.
    direction : "for" or "against"
        Whether it raises or lowers the score.
    contribution : float
        In log-odds.
    """

    feature: str
    text: str
    direction: Literal["for", "against"]
    contribution: float


@dataclass(frozen=True, kw_only=True)
class LeadAnswer:
    """The answer of one model about one lead.

    Parameters
    ----------
    model, version : str
    answered_by : AnsweredBy
    prediction_id : str
        Under which the answer is kept.
    score : float
        A probability in [0, 1].
    features : mapping
        What the model read; None is missing.
    as_of, known_until : datetime
        When the features were computed, and when the newest fact that they saw was learned.
    band : str, optional
    interval : (float, float), optional
        Of the share of positives among leads with such a score.
    band_rate : (float, float, float, int), optional
        How many of the band came true when the version was judged: share, its interval, and rows.
    rank : float, optional
        Share of the version's reference scores that are lower, in [0, 1].
    reasons : tuple of Said
    """

    model: str
    version: str
    answered_by: AnsweredBy
    prediction_id: str
    score: float
    features: Mapping[str, float | str | None]
    as_of: datetime
    known_until: datetime
    band: str | None = None
    interval: tuple[float, float] | None = None
    band_rate: tuple[float, float, float, int] | None = None
    rank: float | None = None
    reasons: tuple[Said, ...] = ()
