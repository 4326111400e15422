"""What the caches of leads' features tell the metrics."""

from __future__ import annotations

from typing import Literal

from serving.metrics import Metrics

Tier = Literal["memory", "redis", "stale", "reasons"]


class Counted:
    """Counts of the caches.

    Parameters
    ----------
    metrics : Metrics
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.evicted = metrics.cache_evictions.labels("memory").inc
        self.redis_error = metrics.cache_errors.labels("redis").inc

    def looked_up(self, tier: Tier, model: str, *, hits: int, of: int) -> None:
        """Count leads, or rows, that were looked for in a cache, and those that were there."""
        if hits:
            self._metrics.cache_hits.labels(tier, model).inc(hits)
        if of > hits:
            self._metrics.cache_misses.labels(tier, model).inc(of - hits)

    def holds(self, tier: Tier, *, entries: int, size: int) -> None:
        """Say how much a cache holds."""
        self._metrics.cache_entries.labels(tier).set(entries)
        self._metrics.cache_bytes.labels(tier).set(size)
