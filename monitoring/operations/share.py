"""How large a share is at least, given how often it was seen."""

from __future__ import annotations


def at_least(times: float, out_of: float, *, confidence: float = 0.99) -> float:
    """Return the lower bound of a share (Clopper and Pearson, one-sided), in [0, 1].

    Examples
    --------
    >>> round(at_least(3, 10), 3), round(at_least(300, 1000), 3), at_least(0, 10)
    (0.048, 0.267, 0.0)

    References
    ----------
    Clopper, C. and Pearson, E. (1934). The use of confidence or fiducial limits. Biometrika 26, 404-413.
    """
    from scipy.stats import beta

    if times <= 0 or out_of <= 0:
        return 0.0
    return float(beta.ppf(1 - confidence, times, max(out_of - times, 0) + 1))
