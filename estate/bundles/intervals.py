"""How far an answer may be off, as it was measured on rows that the model was not fitted on.

Each kind has a vectorised method for many rows and, where that is worth it, one without numpy for a few:
both give the same bits.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, FiniteFloat

from estate.bundles.rate import Rate
from estate.core.frame import Numbers

Ends = tuple[Numbers, Numbers]
"""Lower and upper ends, each of shape (n,)."""
Level = Annotated[float, Field(gt=0.5, lt=1.0)]
MOST_FACTOR = 1e12
"""Of odds: makes of any score a 1 in all but name."""
_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class RateInterval:
    """Of a binary model: the share of positives among cases with such a score.

    Of each bin of scores, frozen rows gave an interval of the share of positives. Inside the bin it follows
    the score: the odds of the score, times the factor by which the bin's mean becomes the interval's end.

    Parameters
    ----------
    level : float
    edges : tuple of float
        Scores that part the bins, rising; one less than there are bins.
    low, high : tuple of float
        Factors of the odds, one a bin, in [0, 1e12].
    least, most : float
        Outermost scores of the frozen rows, in (0, 1); those beyond are answered as these.
    bins : tuple of Rate
        What was measured in each bin.
    """

    __pydantic_config__ = _STRICT

    level: Level
    edges: tuple[FiniteFloat, ...]
    low: tuple[FiniteFloat, ...]
    high: tuple[FiniteFloat, ...]
    least: FiniteFloat
    most: FiniteFloat
    bins: tuple[Rate, ...]
    kind: Literal["rate"] = "rate"

    def __post_init__(self) -> None:
        _require_bins(self.edges, self.low, self.high, self.bins)
        if any(not 0.0 <= low <= high <= MOST_FACTOR for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError(f"factors of odds outside 0 to {MOST_FACTOR:g}, or the wrong way round")
        if not 0.0 < self.least <= self.most < 1.0:
            raise ValueError(f"outermost scores {self.least} and {self.most}")

    def ends(self, scores: Numbers) -> Ends:
        """Return the interval of each score, each end of shape (n,), in [0, 1]."""
        edges, low, high = self._arrays
        at = edges.searchsorted(scores, side="right")
        p = np.minimum(np.maximum(scores, self.least), self.most)
        below, above = p * low[at], p * high[at]
        rest = 1.0 - p
        return below / (rest + below), above / (rest + above)

    def of(self, score: float) -> tuple[float, float]:
        """Return the interval of one score."""
        at = bisect_right(self.edges, score)
        p = min(max(score, self.least), self.most)
        below, above, rest = p * self.low[at], p * self.high[at], 1.0 - p
        return below / (rest + below), above / (rest + above)

    @cached_property
    def _arrays(self) -> tuple[Numbers, Numbers, Numbers]:
        return np.asarray(self.edges, np.float64), np.asarray(self.low), np.asarray(self.high)


@dataclass(frozen=True)
class ValueInterval:
    """Of a regression: where the true value is.

    Parameters
    ----------
    level : float
    edges : tuple of float
        Predicted values that part the bins, rising; one less than there are bins.
    radius : tuple of float
        Of each bin, in the label's unit: the interval is the prediction plus and minus this.
    rows : int
        Frozen rows that it was measured on.
    """

    __pydantic_config__ = _STRICT

    level: Level
    edges: tuple[FiniteFloat, ...]
    radius: tuple[FiniteFloat, ...]
    rows: int
    kind: Literal["value"] = "value"

    def __post_init__(self) -> None:
        _require_bins(self.edges, self.radius)
        if min(self.radius) < 0.0:
            raise ValueError("a negative radius")

    def ends(self, scores: Numbers) -> Ends:
        """Return the interval of each predicted value, each end of shape (n,)."""
        edges, radius = self._arrays
        around = radius[edges.searchsorted(scores, side="right")]
        return scores - around, scores + around

    def of(self, score: float) -> tuple[float, float]:
        """Return the interval of one predicted value."""
        around = self.radius[bisect_right(self.edges, score)]
        return score - around, score + around

    @cached_property
    def _arrays(self) -> tuple[Numbers, Numbers]:
        return np.asarray(self.edges, np.float64), np.asarray(self.radius, np.float64)


@dataclass(frozen=True)
class LabelSet:
    """Of a model of several classes: the labels among which the true one is.

    Parameters
    ----------
    level : float
    least : float
        Labels of at least this probability are in the set; the likeliest one always is.
    rows : int
        Frozen rows that it was measured on.
    """

    __pydantic_config__ = _STRICT

    level: Level
    least: Annotated[float, Field(ge=0.0, le=1.0)]
    rows: int
    kind: Literal["labels"] = "labels"

    def sets(self, probabilities: Numbers, classes: tuple[str, ...]) -> list[list[str]]:
        """Return the labels of each row, the likeliest first.

        Parameters
        ----------
        probabilities : float64 array of shape (n, classes)
        """
        order = np.argsort(-probabilities, axis=1, kind="stable")
        named = np.asarray(classes, dtype=object)[order].tolist()
        counts = np.maximum((probabilities >= self.least).sum(axis=1), 1).tolist()
        return [row[:count] for row, count in zip(named, counts, strict=True)]


Interval = RateInterval | ValueInterval | LabelSet


def _require_bins(edges: tuple[float, ...], *columns: tuple[object, ...]) -> None:
    if any(a >= b for a, b in pairwise(edges)):
        raise ValueError("edges that do not rise")
    if any(len(column) != len(edges) + 1 for column in columns):
        raise ValueError(f"{len(edges)} edges and {', '.join(str(len(c)) for c in columns)} bins")
