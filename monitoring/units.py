"""Has a number come in another unit: dollars as cents, metres as kilometres?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from estate.core.frame import Numbers
from estate.store.watch_passes import WatchFinding
from monitoring.pace import moves_slowly

LEAST_ROWS = 30
FACTORS = (10.0, 100.0, 1000.0, 0.1, 0.01, 0.001)
FACTOR = 10.0
"""The middle of the window so many times beyond the reference's 5-95 % range: another unit."""
FAR = 0.5
NEAR = 0.35
"""Distances as they are, and after the factor is taken out. In 30 rows of one source chance passes the first
less often than once in a million."""


def unit_finding(name: str, before: Numbers, now: Numbers) -> Iterator[WatchFinding]:
    """Yield MON115 if the window's sizes are those of training but for a factor; zeros say nothing of a unit.

    Examples
    --------
    >>> dollars = np.random.default_rng(0).lognormal(12, 1, 200)
    >>> [found.code for found in unit_finding("budget_usd", dollars, 100 * dollars[:50])]
    ['MON115']
    >>> list(unit_finding("budget_usd", dollars, 1.5 * dollars[:50]))
    []
    """
    known, given = _sizes(before), _sizes(now)
    if min(len(known), len(given)) < LEAST_ROWS or known[0] == known[-1] or moves_slowly(before):
        return
    factor = _factor(known, given)
    low, high = np.quantile(known, [0.05, 0.95])
    middle = float(np.median(given))
    if factor is not None:
        sentence = f"`{name}` fits training's sizes but for a factor of {factor:g}: has the unit changed?"
        yield WatchFinding("MON115", name, factor, 1.0, sentence)
    elif not low / FACTOR <= middle <= high * FACTOR:
        threshold = float(high * FACTOR if middle > high else low / FACTOR)
        sentence = (
            f"`{name}` is of another size: its middle is {middle:g}, in training 90 % of the rows lay "
            f"between {low:g} and {high:g}; has the unit changed?"
        )
        yield WatchFinding("MON115", name, middle, threshold, sentence)


def _factor(known: Numbers, given: Numbers) -> float | None:
    apart = _distance(known, given)
    best = min(FACTORS, key=lambda factor: _distance(known, given / factor))
    left = _distance(known, given / best)
    return best if apart >= FAR and left <= min(NEAR, apart / 2) else None


def _sizes(values: Numbers) -> Numbers:
    sizes = np.abs(values[~np.isnan(values)])
    return np.sort(sizes[sizes > 0])


def _distance(one: Numbers, other: Numbers) -> float:
    """Return the largest difference of the distribution functions of two sorted samples."""
    both = np.concatenate([one, other])
    shares = [np.searchsorted(sample, both, side="right") / len(sample) for sample in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
