"""What the desk is told of a lead's score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from estate.services.lead_scoring.dimensions import DimensionName

Source = Literal["model", "last_good", "rules"]


@dataclass(frozen=True, kw_only=True)
class DimensionScore:
    """One question about a lead and its answer.

    Parameters
    ----------
    name : str
    means : str
        What ``score`` is the chance of.
    model : str
    score : float or None
        A probability in [0, 1]; None where nothing could answer, then ``problem`` says why.
    interval : (float, float) or None
        Of the share of leads with such a score for whom it comes true.
    source, version : str or None
        Who answered.
    problem : str or None
    """

    name: DimensionName
    means: str
    model: str
    score: float | None = None
    interval: tuple[float, float] | None = None
    source: Source | None = None
    version: str | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class BandMeaning:
    """What became of leads in a band when the version was judged.

    Parameters
    ----------
    of_100 : float
        So many of 100 leads in this band converted within 60 days.
    low, high : float
        Of the interval of that number.
    leads : int
        On which it was measured.
    """

    of_100: float
    low: float
    high: float
    leads: int


@dataclass(frozen=True, kw_only=True)
class LeadScore:
    """A lead's score with everything that speaks for it and against it.

    Parameters
    ----------
    lead : str
    score : float
        0 to 100: of the leads that the version learned from, so many in 100 had a lower chance to convert.
        Where rules answer: their chance to convert, in percent.
    band : str or None
        By the chance to convert; ``band_means`` says how many of such leads did.
    band_means : BandMeaning or None
    probability : float
        Of a conversion within 60 days.
    interval : (float, float) or None
        Of the share of leads with such a score that convert.
    confidence : float
        0 to 1; falls where little is known of the lead: ``thin`` says what is missing.
    thin : list of str
    reasons_for, reasons_against : list of str
        What raises and what lowers the chance to convert, the strongest first.
    dimensions : list of DimensionScore
    horizon_over : bool or None
        Whether the 60 days that the score speaks of are over: then it is what was to be expected of the lead,
        not what is. None where the lead's age is not known.
    source, version : str
        Who gave the score.
    prediction : str
        Under which it is kept.
    as_of : datetime
        When its features were computed.
    known_until : datetime
        When the newest fact that they saw was learned.
    """

    lead: str
    score: float
    band: str | None
    band_means: BandMeaning | None
    probability: float
    interval: tuple[float, float] | None
    confidence: float
    thin: list[str]
    reasons_for: list[str]
    reasons_against: list[str]
    dimensions: list[DimensionScore]
    horizon_over: bool | None
    source: Source
    version: str
    prediction: str
    as_of: datetime
    known_until: datetime
