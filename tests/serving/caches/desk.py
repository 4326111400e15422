"""Leads whose features a test makes up, and how often they were computed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from estate.core.errors import StoreError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import CrmSource, ModelSpec, Task
from estate.features.histories import Histories
from estate.features.live import LeadFeatures, computed_now
from serving.caches import KeptLead, Keys, LeadCache, MemoryCache, RedisCache
from serving.caches.counted import Counted
from serving.caches.terms import Terms
from serving.metrics import Metrics

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def calls_count(h: Histories) -> Any:
    return np.zeros(len(h))


def budget(h: Histories) -> Any:
    return np.ones(len(h))


def came_from(h: Histories) -> Any:
    return np.array(["portal"] * len(h), dtype=object)


def spec_of(name: str = "sale", *functions: Any, age_days: float = 7) -> ModelSpec:
    return ModelSpec(
        name=name,
        purpose="For tests.",
        task=Task.BINARY,
        source=CrmSource(outcome="sold", horizon_days=30, age_days=age_days),
        features=FeatureSet(numbers=functions or (calls_count, budget), categories=(came_from,)),
        estimator=lambda seed: None,
    )


@dataclass
class Desk:
    """Computes features: of each lead, how many facts were told of it; `lead-…` are known, others not."""

    moment: datetime = START
    facts: dict[str, int] = field(default_factory=dict)
    computed: list[list[str]] = field(default_factory=list)
    away: bool = False
    hold: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compute(self, spec: ModelSpec, lead_ids: Sequence[str]) -> LeadFeatures:
        with self._lock:
            self.computed.append(list(lead_ids))
        self.hold()
        if self.away:
            raise StoreError("database", expected="an answer", got="none")
        found = tuple(name for name in lead_ids if name.startswith("lead-"))
        counts = np.array([float(self.facts.get(name, 0)) for name in found])
        columns = {name: counts for name in spec.features.names if spec.features.kind(name) == "number"}
        texts = np.array(["portal" if int(c) % 2 else None for c in counts], dtype=object)
        return LeadFeatures(
            Frame({**columns, "came_from": texts}, len(found)),
            found,
            tuple(name for name in lead_ids if name not in found),
            as_of=(self.moment,) * len(found),
            known_until=(self.moment - timedelta(hours=1),) * len(found),
            cache=computed_now(len(found)),
        )

    def pass_time(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def clock(self) -> float:
        return (self.moment - START).total_seconds()

    @property
    def times(self) -> int:
        return len(self.computed)


@dataclass
class Cached:
    """A cache over a desk."""

    cache: LeadCache
    desk: Desk
    metrics: Metrics
    redis: RedisCache | None = None

    def ask(self, *leads: str, spec: ModelSpec | None = None) -> dict[str, tuple[str, float]]:
        """Return for each lead found where it came from and how many facts it had."""
        made = self.cache.read(spec or SPEC, leads)
        counts = made.features[(spec or SPEC).features.names[0]].tolist()
        cells = zip(made.found, made.cache, counts, strict=True)
        return {lead: (status, count) for lead, status, count in cells}

    def count(self, name: str) -> float:
        lines = self.metrics.text().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"leadloop_{name}{{"))


SPEC = spec_of()


def cached(
    desk: Desk | None = None,
    *,
    terms: Terms | None = None,
    redis_url: str | None = None,
    secret: str = "secret",
    most_bytes: int = 1 << 20,
    answer_seconds: float = 5.0,
) -> Cached:
    """Wire a cache over a desk, with the desk's clock."""
    desk = desk or Desk()
    terms = terms or Terms()
    if redis_url is None:
        terms = replace(terms, redis_seconds=0.0)
    metrics = Metrics()
    counted = Counted(metrics)
    redis = None
    if redis_url is not None:
        redis = RedisCache(
            redis_url,
            keep_seconds=terms.keep_seconds,
            on_error=counted.redis_error,
            answer_seconds=answer_seconds,
            pause_seconds=0.05,
        )
    memory = MemoryCache[KeptLead](
        most_bytes=most_bytes,
        keep_seconds=terms.keep_seconds,
        size=lambda kept: kept.size,
        on_evicted=counted.evicted,
        clock=desk.clock,
    )
    cache = LeadCache(
        desk.compute,
        keys=Keys(lambda: secret),
        memory=memory,
        redis=redis,
        terms=terms,
        counted=counted,
        clock=lambda: desk.moment,
    )
    return Cached(cache, desk, metrics, redis)
