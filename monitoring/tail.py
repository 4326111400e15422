"""Shares and quantiles far out in the tail of simulated draws.

A model that is looked at every hour may spend so little at each look that counting draws would need
millions of them. Beyond the draws that there are, the tail is taken to fall exponentially from its 98 %
quantile on, as sums of squares do, with a slope two standard errors on the careful side.

References
----------
.. [1] T. Knijnenburg et al., "Fewer permutations, more accurate P-values", Bioinformatics 25, 2009.
.. [2] B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", 2010.
"""

from __future__ import annotations

import numpy as np

from estate.core.frame import Numbers

TAIL_FROM = 0.98
COUNTED = 10
"""Draws beyond a value that are enough to count them."""


def share_beyond(draws: Numbers, value: float) -> float:
    """Return the share of draws at least as large as a value, the value itself counted: an exact p-value.

    Examples
    --------
    >>> share_beyond(np.array([1.0, 2.0, 3.0]), 2.5)
    0.5
    """
    # A hair of tolerance: equal counts in another order of summation are not "less far off".
    return (1 + int((draws >= value - 1e-9 * max(1.0, abs(value))).sum())) / (1 + len(draws))


def share_far_out(draws: Numbers, value: float) -> float:
    """Return the share beyond a value, by the tail's slope where too few draws lie there to count."""
    share = share_beyond(draws, value)
    start, slope = _tail(draws)
    if share * len(draws) > COUNTED or slope <= 0 or value <= start:
        return share
    return (1 - TAIL_FROM) * float(np.exp(-(value - start) / slope))


def quantile_far_out(draws: Numbers, level: float) -> float:
    """Return the value that a share of ``level`` of the draws reaches or exceeds.

    Examples
    --------
    >>> draws = np.random.default_rng(0).exponential(size=20_000)
    >>> bool(10 < quantile_far_out(draws, 1e-5) < 14)  # 11.5 without the careful slope
    True
    """
    if level * len(draws) >= COUNTED:
        return float(np.quantile(draws, 1 - level))
    start, slope = _tail(draws)
    return (
        start + max(slope, 0.0) * float(np.log((1 - TAIL_FROM) / level)) if level < 1 - TAIL_FROM else start
    )


def _tail(draws: Numbers) -> tuple[float, float]:
    start = float(np.quantile(draws, TAIL_FROM))
    beyond = draws[draws > start]
    if not len(beyond):
        return start, 0.0
    return start, float((beyond - start).mean()) * (1 + 2 / np.sqrt(len(beyond)))
