"""Whether the best of many trials is better than the spec's own parameters, or only the luckiest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, sqrt
from statistics import NormalDist, fmean

from estate.core.frame import Numbers
from estate.core.prediction import Scores
from estate.training.metrics import Metric
from estate.training.paired import paired_gain

LEVEL = 0.05
"""The spec's own parameters are given up so often at most where all are equally good."""
_TAIL = 0.1
"""Of the interval of one block, from which its standard error is read."""


@dataclass(frozen=True)
class Verdict:
    """Whether the spec's own parameters stay.

    Parameters
    ----------
    kept_own : bool
    gain, gain_low : float or None
        How much better the best trial was, mean over the blocks, and at least so much; None where nothing was
        compared.
    """

    kept_own: bool
    gain: float | None = None
    gain_low: float | None = None


def compare(
    metric: Metric,
    labels: Sequence[Numbers],
    best: Sequence[Scores],
    own: Sequence[Scores],
    *,
    rivals: int,
) -> Verdict:
    """Compare two sets of parameters block by block, on the same rows.

    The mean of the blocks' gains must be above 0 by as many standard errors as the best of so many rivals,
    none of which is better, reaches in one of twenty searches at most (Bonferroni).

    Parameters
    ----------
    metric : Metric
    labels, best, own : sequences of one item a block
    rivals : int
        Trials of which the best was taken.
    """
    gains = [
        paired_gain(metric, y, (mine, theirs), tail=_TAIL)
        for y, mine, theirs in zip(labels, best, own, strict=True)
    ]
    gain = fmean(one.value for one in gains)
    width = 2.0 * NormalDist().inv_cdf(1.0 - _TAIL)
    error = sqrt(sum(((one.high - one.low) / width) ** 2 for one in gains)) / len(gains)
    low = gain - NormalDist().inv_cdf(1.0 - LEVEL / max(rivals, 1)) * error
    if isnan(low):  # a block could not tell
        return Verdict(True)
    return Verdict(kept_own=low <= 0, gain=gain, gain_low=low)
