"""From where on operations are a finding: starting points, to be set to what you promise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What is still well.

    Shares must lie beyond their limit with 99 % confidence: three slow requests of ten are no finding.

    Parameters
    ----------
    p95_seconds : float
        95 of 100 requests take at most so long (MON411).
    error_share : float
        Of requests that end with 5xx (MON412).
    fallback_share : float
        Of answers that rules gave while a version was in production (MON413).
    cache_fall : float
        The share of look-ups that a cache answers, beside what was usual, in [0, 1] (MON414).
    cache_error_share : float
        Of look-ups that a cache failed on (MON414).
    shed_share : float
        Of requests that were turned away (MON415).
    queue_share : float
        Of the rows that may wait for one model (MON415).
    behind_seconds : float
        Age of the oldest answer that is not in the database (MON416).
    least : int
        Fewer requests, answers or look-ups are not judged.
    """

    p95_seconds: float = 0.25
    error_share: float = 0.01
    fallback_share: float = 0.05
    cache_fall: float = 0.5
    cache_error_share: float = 0.01
    shed_share: float = 0.01
    queue_share: float = 0.5
    behind_seconds: float = 300.0
    least: int = 100
