"""The caches of several serving processes over one store, with a clock that the benchmark sets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from estate.core.model_spec import ModelSpec
from estate.features.live import LeadFeatures
from serving.caches import KeptLead, Keys, LeadCache, MemoryCache, RedisCache
from serving.caches.counted import Counted
from serving.caches.lead_cache import ReadLeads
from serving.caches.terms import Terms
from serving.metrics import Metrics

PROCESSES = 2


@dataclass
class Clock:
    """A time that is set."""

    start: datetime
    seconds: float = 0.0

    def now(self) -> datetime:
        """Return the time."""
        return self.start + timedelta(seconds=self.seconds)


@dataclass
class Tiers:
    """Serving processes that share a Redis.

    Parameters
    ----------
    spec : ModelSpec
    compute : callable
    clock : Clock
    terms : Terms
    redis_url : str, optional
    """

    spec: ModelSpec
    compute: ReadLeads
    clock: Clock
    terms: Terms
    redis_url: str | None
    caches: list[LeadCache] = field(init=False)

    def __post_init__(self) -> None:
        self.caches = [self._process(self.terms) for _ in range(PROCESSES)]

    def read(self, process: int, lead: str) -> str:
        """Ask a process for a lead; returns where it came from."""
        return self.caches[process].read(self.spec, [lead]).cache[0]

    def time_each(self, lead: str) -> dict[str, float]:
        """Return the seconds that a lead takes from each tier; each is made to have it first."""
        self.clock.seconds += 10_000
        taken: dict[str, float] = {}
        for process, expected in ((0, "miss"), (0, "memory"), (1, "redis")):
            if expected == "redis" and self.redis_url is None:
                continue
            began = time.perf_counter()
            status = self.read(process, lead)
            taken[f"from {status}"] = time.perf_counter() - began
        return taken

    def close(self) -> None:
        """Give connections back."""
        for cache in self.caches:
            cache.close()

    def _process(self, terms: Terms) -> LeadCache:
        counted = Counted(Metrics())
        redis = None
        if self.redis_url is None:
            terms = replace(terms, redis_seconds=0.0)
        elif terms.redis_seconds > 0:
            redis = RedisCache(self.redis_url, keep_seconds=3600, answer_seconds=1.0)
            while not redis.link.up:
                time.sleep(0.001)
        memory = MemoryCache[KeptLead](
            most_bytes=64 << 20,
            keep_seconds=terms.keep_seconds,
            size=lambda kept: kept.size,
            clock=lambda: self.clock.seconds,
        )
        return LeadCache(
            self.compute,
            keys=Keys(lambda: str(id(self))),
            memory=memory,
            redis=redis,
            terms=terms,
            counted=counted,
            clock=self.clock.now,
        )


@dataclass
class Table:
    """Features that were computed before: what is found where does not depend on what it costs."""

    rows: dict[str, LeadFeatures]
    clock: Clock

    def compute(self, _spec: ModelSpec, lead_ids: Sequence[str]) -> LeadFeatures:
        """Return one lead's features as if computed now."""
        return replace(self.rows[lead_ids[0]], as_of=(self.clock.now(),))
