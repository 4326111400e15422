"""The interval of a share, from how often it came true."""

from __future__ import annotations

from typing import Any

from estate.bundles.rate import Rate


def jeffreys(positives: Any, rows: Any, level: float) -> tuple[Any, Any]:
    """Return lower and upper end of the share's interval; numbers or arrays of one shape.

    Jeffreys' interval: over many shares it covers the true one about as often as the level says, neither end
    less often than the other. The exact one of Clopper and Pearson covers more often and is wider for it.
    Nothing of n ends at 0, and all of n at 1.

    References
    ----------
    Brown, Cai, DasGupta (2001), "Interval Estimation for a Binomial Proportion", Statistical Science 16.

    Examples
    --------
    >>> [round(float(end), 3) for end in jeffreys(18, 100, 0.9)]
    [0.124, 0.25]
    """
    import numpy as np
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    a, b = np.asarray(positives) + 0.5, np.asarray(rows) - np.asarray(positives) + 0.5
    low = np.where(np.asarray(positives) == 0, 0.0, betaincinv(a, b, tail))
    high = np.where(np.asarray(positives) == rows, 1.0, betaincinv(a, b, 1.0 - tail))
    return low, high


def rate_of(positives: float, rows: int, level: float) -> Rate:
    """Return a measured share with its interval."""
    low, high = jeffreys(positives, rows, level)
    return Rate(rows, int(positives), float(low), float(high))
