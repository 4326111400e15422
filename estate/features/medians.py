"""The middle of what was known at each of many moments."""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np

from estate.core.frame import Numbers
from estate.features.events import Micros

_FEW = 8


def medians_known(known: Micros, ended: Micros, values: Numbers, moments: Micros) -> Numbers:
    """Return the median of the values known at each moment; NaN where none is.

    Parameters
    ----------
    known, ended : int64 array of shape (values,)
        Microseconds since 1970: a value counts from the first to before the second.
    values : float64 array of shape (values,)
        NaN is never counted.
    moments : int64 array of shape (n,)

    Examples
    --------
    >>> long = np.iinfo(np.int64).max
    >>> known, ended = np.array([10, 20, 30]), np.array([long, 40, long])
    >>> medians_known(known, ended, np.array([1.0, 5.0, 3.0]), np.array([9, 20, 39, 40])).tolist()
    [nan, 3.0, 3.0, 2.0]
    """
    counted = ~np.isnan(values) & (known < ended)
    known, ended, values = known[counted], ended[counted], values[counted]
    wanted, back = np.unique(moments, return_inverse=True)
    if len(wanted) > _FEW:
        return np.array(_walked(known, ended, values, wanted), dtype=np.float64)[back]
    found = [_middle(np.sort(values[(known <= at) & (ended > at)]).tolist()) for at in wanted.tolist()]
    return np.array(found, dtype=np.float64)[back]


def _walked(known: Micros, ended: Micros, values: Numbers, moments: Micros) -> list[float]:
    """Walk once through what comes and goes, in order of time."""
    over = ended < np.iinfo(np.int64).max
    at = np.concatenate([known, ended[over]])
    order = np.argsort(at, kind="stable")
    changes = np.concatenate([values, values[over]])[order].tolist()
    comes = np.concatenate([np.ones(len(known), np.bool_), np.zeros(int(over.sum()), np.bool_)])[
        order
    ].tolist()
    found, ordered, done = [], list[float](), 0
    for count in np.searchsorted(at[order], moments, side="right").tolist():
        for i in range(done, count):
            if comes[i]:
                insort(ordered, changes[i])
            else:
                del ordered[bisect_left(ordered, changes[i])]
        done = count
        found.append(_middle(ordered))
    return found


def _middle(ordered: list[float]) -> float:
    half, odd = divmod(len(ordered), 2)
    if not ordered:
        return float("nan")
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2.0
