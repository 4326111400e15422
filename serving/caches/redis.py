"""A cache in Redis, which several serving processes and machines share; never needed to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from typing import TYPE_CHECKING

import msgspec

from estate.core.errors import SettingsError
from serving.caches.kept_lead import KeptLead
from serving.caches.keys import DIGEST_BYTES, ModelKeys
from serving.caches.link import Link

if TYPE_CHECKING:
    import redis

_MOST_BYTES = 1 << 16
_decoder = msgspec.msgpack.Decoder(KeptLead)
_encoder = msgspec.msgpack.Encoder()


class RedisCache:
    """Features of leads in Redis, as MessagePack behind a seal.

    A value without the right seal under its own name is none: garbage, another lead's, another model's, or
    one that somebody wrote who does not have the secret.

    Parameters
    ----------
    url : str
        ``redis://user:password@host:port/database``, ``rediss://`` or ``unix://``.
    keep_seconds : float
        Redis forgets a value after so long.
    on_error : callable, optional
        Called for each time that Redis did not answer, and each value that was none.
    answer_seconds : float
        Redis is away if it takes longer to connect or to answer.
    pause_seconds : float
        How often a Redis that is away is looked for.

    Raises
    ------
    SettingsError
        If the client is not installed, or the address is none.
    """

    def __init__(
        self,
        url: str,
        *,
        keep_seconds: float,
        on_error: Callable[[], None] = lambda: None,
        answer_seconds: float = 0.01,
        pause_seconds: float = 2.0,
    ) -> None:
        self._redis = _client(url, answer_seconds)
        self._keep_ms, self._on_error = max(1, int(1000 * keep_seconds)), on_error
        self.link = Link("redis", self._redis.ping, pause_seconds=pause_seconds)

    def get_many(self, keys: ModelKeys, names: Sequence[bytes]) -> dict[bytes, KeptLead]:
        """Return what is kept under these names; nothing while Redis is away."""
        if not self.link.up:
            return {}
        try:
            values = self._redis.mget([_redis_key(keys, name) for name in names])
        except Exception as error:  # a cache that is broken in whatever way is a cache that has nothing
            self._failed(error)
            return {}
        found = {}
        for name, value in zip(names, values, strict=False):
            if value is not None:
                kept = _opened(keys, name, value)
                if kept is None:
                    self._on_error()
                else:
                    found[name] = kept
        return found

    def put_many(self, keys: ModelKeys, values: Mapping[bytes, KeptLead]) -> None:
        """Keep values; does nothing while Redis is away."""
        if not self.link.up:
            return
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for name, kept in values.items():
                    value = _encoder.encode(kept)
                    sealed = keys.seal(name, value) + value
                    pipeline.set(_redis_key(keys, name), sealed, px=self._keep_ms)
                answers = pipeline.execute(raise_on_error=False)
        except Exception as error:  # as above
            self._failed(error)
        else:
            if not all(answer is True for answer in answers):  # it is there, and has no room
                self._on_error()

    def close(self) -> None:
        """Close the connections."""
        self.link.close()
        self._redis.close()

    def _failed(self, error: Exception) -> None:
        self._on_error()
        self.link.failed(error)


def _client(url: str, answer_seconds: float) -> redis.Redis:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise SettingsError(
            "setting LEADLOOP_REDIS_URL",
            expected="the Redis client",
            got="none",
            todo="Install it: `pip install leadloop[redis]`.",
        ) from error
    try:
        made: redis.Redis = redis.Redis.from_url(
            url,
            socket_timeout=answer_seconds,
            socket_connect_timeout=answer_seconds,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise SettingsError(
            "setting LEADLOOP_REDIS_URL", expected="redis://host:port/database", got="another address"
        ) from error
    return made


def _redis_key(keys: ModelKeys, name: bytes) -> str:
    return f"leadloop:features:{keys.model}:{name.hex()}"


def _opened(keys: ModelKeys, name: bytes, value: object) -> KeptLead | None:
    if not isinstance(value, bytes) or not DIGEST_BYTES < len(value) <= _MOST_BYTES:
        return None
    seal, packed = value[:DIGEST_BYTES], value[DIGEST_BYTES:]
    if not compare_digest(keys.seal(name, packed), seal):
        return None
    try:
        kept = _decoder.decode(packed)
    except (msgspec.MsgspecError, ValueError):  # sealed by a process whose values have another form
        return None
    return kept if keys.layout.fits(kept) else None
