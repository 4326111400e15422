"""The caches of a serving process, from its settings."""

from __future__ import annotations

from estate.core.settings import Settings
from serving.caches.counted import Counted
from serving.caches.kept_lead import KeptLead
from serving.caches.keys import Keys
from serving.caches.lead_cache import LeadCache, ReadLeads
from serving.caches.memory import MemoryCache
from serving.caches.redis import RedisCache
from serving.caches.slow_models import SlowModels
from serving.caches.terms import Terms
from serving.metrics import Metrics

_MIB = 1 << 20


def make_lead_cache(settings: Settings, compute: ReadLeads, metrics: Metrics) -> LeadCache:
    """Wire the caches of leads' features.

    Raises
    ------
    SettingsError
        If Redis is asked for and its client is not installed, or its address is none.
    """
    counted = Counted(metrics)
    redis_url = settings.redis_url
    uses_redis = redis_url is not None and settings.cache_redis_seconds > 0
    terms = Terms(
        memory_seconds=settings.cache_memory_seconds,
        redis_seconds=settings.cache_redis_seconds if uses_redis else 0.0,
        stale_seconds=settings.cache_stale_seconds,
    )
    memory = MemoryCache[KeptLead](
        most_bytes=int(settings.cache_memory_mb * _MIB),
        keep_seconds=max(terms.memory_seconds, terms.stale_seconds),
        size=lambda kept: kept.size,
        on_evicted=counted.evicted,
    )
    redis = None
    if redis_url is not None and uses_redis:
        redis = RedisCache(
            redis_url.get_secret_value(), keep_seconds=terms.keep_seconds, on_error=counted.redis_error
        )
    return LeadCache(
        compute,
        keys=Keys(lambda: _secret(settings)),
        memory=memory,
        redis=redis,
        terms=terms,
        counted=counted,
    )


def make_slow_models(settings: Settings, metrics: Metrics) -> SlowModels:
    """Wire the cache of scores."""
    return SlowModels(
        above_seconds=settings.cache_scores_above_ms / 1000,
        most_bytes=int(settings.cache_memory_mb * _MIB),
        metrics=metrics,
    )


def _secret(settings: Settings) -> str:
    """Return what all who share this Redis and this database know."""
    own = settings.cache_secret
    return own.get_secret_value() if own is not None else settings.endpoint("database_url")
