"""How long what is kept may be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Terms of kept features; seconds, 0: never.

    Parameters
    ----------
    memory_seconds : float
        Since they came into this process's memory.
    redis_seconds : float
        Since they were computed, for those in Redis.
    stale_seconds : float
        Since they were computed, while the database is away; from wherever they are.
    """

    memory_seconds: float = 5.0
    redis_seconds: float = 30.0
    stale_seconds: float = 600.0

    @property
    def fresh_seconds(self) -> float:
        """Oldest features that are used while the database is there, since they were computed."""
        return max(self.memory_seconds, self.redis_seconds)

    @property
    def keep_seconds(self) -> float:
        """How long anything is worth keeping."""
        return max(self.fresh_seconds, self.stale_seconds)
