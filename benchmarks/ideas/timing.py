"""Times that may be compared: everything in turn, again and again, and the middle of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median


def in_turn(ways: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Return the median seconds of one call of each way; at least three calls of each.

    Parameters
    ----------
    ways : mapping of str to callable
        Called once before the clock runs: what is made at the first call is no part of the idea.
    seconds : float
        So long altogether, or three rounds if these take longer.
    """
    took: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    until = time.perf_counter() + seconds
    rounds = 0
    while rounds < 3 or time.perf_counter() < until:
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - began)
        rounds += 1
    return {name: median(times) for name, times in took.items()}


def told(seconds: float) -> str:
    """Write a time with its unit.

    Examples
    --------
    >>> told(2.5e-7), told(0.00125), told(3.0)
    ('0.25 µs', '1.25 ms', '3 s')
    """
    for unit, factor in (("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def row(idea: str, claim: str, measured: float, *, measured_as: str, in_a_request: str) -> dict[str, object]:
    """Return one line of the table; ``measured`` in the unit of the claim."""
    return {
        "idea": idea,
        "claim": claim,
        "measured": measured,
        "measured_as": measured_as,
        "in_a_request": in_a_request,
    }
