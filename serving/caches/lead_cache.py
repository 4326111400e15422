"""Features of leads: from memory, from Redis, else computed, once for all who ask at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from estate.core.clock import now
from estate.core.errors import LeadloopError, SettingsError, StoreError
from estate.core.model_spec import ModelSpec
from estate.features.live import CacheStatus, LeadFeatures
from serving.caches.counted import Counted
from serving.caches.kept_lead import KeptLead, micros, moment_of
from serving.caches.keys import Keys, ModelKeys
from serving.caches.memory import MemoryCache
from serving.caches.redis import RedisCache
from serving.caches.single_flight import SingleFlight
from serving.caches.terms import Terms

logger = logging.getLogger(__name__)

ReadLeads = Callable[[ModelSpec, Sequence[str]], LeadFeatures]
"""The features of leads as of now."""

_CLOCKS_APART_US = 5_000_000
_LEAVE_ALONE_SECONDS = 1.0


@dataclass
class _Asked:
    """One request on its way through the caches; everything by the leads' names in them."""

    spec: ModelSpec
    keys: ModelKeys
    leads: dict[bytes, str]
    at_us: int
    found: dict[bytes, tuple[KeptLead, CacheStatus]] = field(default_factory=dict)
    old: dict[bytes, KeptLead] = field(default_factory=dict)

    @property
    def open(self) -> list[bytes]:
        """Names of leads that nothing was found of."""
        return [name for name in self.leads if name not in self.found]

    def age(self, kept: KeptLead) -> float:
        """Seconds since the features were computed; infinite if that is in the future."""
        age_us = self.at_us - kept.as_of
        return age_us / 1e6 if age_us > -_CLOCKS_APART_US else float("inf")


class LeadCache:
    """Reads features of leads through the caches; safe to share between threads.

    A lead that is not known is never kept: it is found as soon as it is imported.

    Parameters
    ----------
    compute : callable
        Reads and computes; raises StoreError or SettingsError while the database is away.
    keys : Keys
    memory : MemoryCache
    redis : RedisCache, optional
    terms : Terms
    counted : Counted
    clock : callable, optional
        The time.
    """

    def __init__(  # noqa: PLR0913
        self,
        compute: ReadLeads,
        *,
        keys: Keys,
        memory: MemoryCache[KeptLead],
        redis: RedisCache | None,
        terms: Terms,
        counted: Counted,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._compute, self._keys, self._clock = compute, keys, clock
        self._memory, self._redis = memory, redis
        self._terms, self._counted = terms, counted
        self._flights: SingleFlight[bytes, KeptLead] = SingleFlight()
        self._alone_until = 0.0

    def read(self, spec: ModelSpec, lead_ids: Sequence[str]) -> LeadFeatures:
        """Return features of leads, each with where they come from and as of when they are.

        Raises
        ------
        StoreError, SettingsError
            If the database is away and not all of the leads are kept.
        """
        keys = self._keys.of(spec)
        asked = _Asked(spec, keys, {keys.key(lead): lead for lead in lead_ids}, micros(self._clock()))
        self._look_in_memory(asked)
        self._look_in_redis(asked)
        if asked.open:
            self._compute_rest(asked)
        return _together(asked)

    def close(self) -> None:
        """Give Redis' connections back."""
        if self._redis is not None:
            self._redis.close()

    def _look_in_memory(self, asked: _Asked) -> None:
        names, hits = list(asked.leads), 0
        for name, (kept, seconds) in self._memory.get_many(names).items():
            asked.old[name] = kept
            if seconds < self._terms.memory_seconds and asked.age(kept) < self._terms.fresh_seconds:
                asked.found[name] = (kept, "memory")
                hits += 1
        if self._terms.memory_seconds > 0:
            self._counted.looked_up("memory", asked.keys.model, hits=hits, of=len(names))

    def _look_in_redis(self, asked: _Asked) -> None:
        names = asked.open
        if self._redis is None or not names:
            return
        fresh = {}
        for name, kept in self._redis.get_many(asked.keys, names).items():
            if name not in asked.old or kept.as_of > asked.old[name].as_of:
                asked.old[name] = kept
            if asked.age(kept) < self._terms.redis_seconds:
                asked.found[name] = (kept, "redis")
                fresh[name] = kept
        self._counted.looked_up("redis", asked.keys.model, hits=len(fresh), of=len(names))
        if fresh:
            self._memory.put_many(fresh)

    def _compute_rest(self, asked: _Asked) -> None:
        names = asked.open
        if monotonic() < self._alone_until and self._stale(asked, names):
            return
        try:
            made = self._flights.run(names, lambda own: self._computed(asked, own))
        except (StoreError, SettingsError) as error:
            self._alone_until = monotonic() + _LEAVE_ALONE_SECONDS
            if not self._stale(asked, names):
                raise
            logger.warning(
                "leads_stale model=%s leads=%d error=%s", asked.keys.model, len(names), _kind(error)
            )
        else:
            self._alone_until = 0.0
            asked.found.update((name, (kept, "miss")) for name, kept in made.items())

    def _computed(self, asked: _Asked, names: Sequence[bytes]) -> Mapping[bytes, KeptLead]:
        just_now = self._computed_meanwhile(asked, names)
        leads = [asked.leads[name] for name in names if name not in just_now]
        if not leads:
            return just_now
        kept = asked.keys.layout.keep(self._compute(asked.spec, leads))
        made = {asked.keys.key(lead): features for lead, features in kept.items()}
        if made:
            self._memory.put_many(made)
            self._counted.holds("memory", entries=len(self._memory), size=self._memory.bytes)
            if self._redis is not None:
                self._redis.put_many(asked.keys, made)
        return {**just_now, **made}

    def _computed_meanwhile(self, asked: _Asked, names: Sequence[bytes]) -> dict[bytes, KeptLead]:
        """Return what another request computed between our look into memory and now."""
        if self._terms.memory_seconds == 0:
            return {}
        kept = self._memory.get_many(names)
        return {name: lead for name, (lead, _) in kept.items() if lead.as_of >= asked.at_us}

    def _stale(self, asked: _Asked, names: Sequence[bytes]) -> bool:
        """Answer by what is kept, however old within the limit; only if that is there for every lead."""
        usable = [name for name in names if self._is_usable(asked, name)]
        if len(usable) < len(names):
            return False
        asked.found.update((name, (asked.old[name], "stale")) for name in names)
        self._counted.looked_up("stale", asked.keys.model, hits=len(names), of=len(names))
        return True

    def _is_usable(self, asked: _Asked, name: bytes) -> bool:
        return name in asked.old and asked.age(asked.old[name]) < self._terms.stale_seconds


def _together(asked: _Asked) -> LeadFeatures:
    rows = [(lead, *asked.found[name]) for name, lead in asked.leads.items() if name in asked.found]
    return LeadFeatures(
        asked.keys.layout.frame([kept for _, kept, _ in rows]),
        tuple([lead for lead, _, _ in rows]),
        tuple([lead for name, lead in asked.leads.items() if name not in asked.found]),
        as_of=tuple([moment_of(kept.as_of) for _, kept, _ in rows]),
        known_until=tuple([moment_of(kept.known_until) for _, kept, _ in rows]),
        cache=tuple([status for _, _, status in rows]),
    )


def _kind(error: LeadloopError) -> str:
    return type(error).__name__
