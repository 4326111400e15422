"""How often something can happen by chance, given how often it happened before."""

from __future__ import annotations


def most_by_chance(times: int, out_of: int, *, rows: int, level: float) -> float:
    """Return the largest share of ``rows`` that chance alone gives, but for a probability of ``level``.

    The rate behind it isn't known: it is taken as high as ``times`` out of ``out_of`` allow (Clopper and
    Pearson, 99 %), then the binomial tail is cut at ``level``.

    Examples
    --------
    >>> most_by_chance(0, 5000, rows=50, level=1e-4)
    0.04
    >>> most_by_chance(4999, 5000, rows=50, level=1e-4)
    1.0
    """
    from scipy.stats import beta, binom

    if times >= out_of:
        return 1.0
    rate = float(beta.ppf(0.99, times + 1, out_of - times))
    return float(binom.isf(level, rows, rate)) / rows
