"""How a text sounds, by VADER's rules and word list."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

LONGEST = 1_000
"""Characters that are read: what a person has to say stands first, and quoted mail below it."""


def sentiment(text: str) -> float:
    """Return VADER's compound score of a text.

    Parameters
    ----------
    text : str
        English; words of other languages are not known and count as neutral.

    Returns
    -------
    float
        From -1 (most negative) to 1 (most positive); 0 is neutral.

    References
    ----------
    Hutto and Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media
    Text, ICWSM.

    Examples
    --------
    >>> sentiment("We love it!") > 0.5, sentiment("Too expensive, sorry.") < 0, sentiment("Tuesday")
    (True, True, 0.0)
    """
    return float(_analyzer().polarity_scores(text[:LONGEST])["compound"])


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
