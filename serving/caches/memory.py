"""A cache in the process's own memory: bounded in bytes, the least lately used go first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

V = TypeVar("V")


class MemoryCache(Generic[V]):
    """Values by name; safe to share between threads.

    Parameters
    ----------
    most_bytes : int
        0 keeps nothing.
    keep_seconds : float
        A value is forgotten after so long.
    size : callable
        About how many bytes a value takes.
    on_evicted : callable, optional
        Called for each value that had to go before its time.
    clock : callable, optional
        Seconds that only rise.
    """

    def __init__(
        self,
        *,
        most_bytes: int,
        keep_seconds: float,
        size: Callable[[V], int],
        on_evicted: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._size, self._clock = size, clock
        self._values: _Counted = _Counted(most_bytes, keep_seconds, clock, on_evicted)
        self._lock = threading.Lock()

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, tuple[V, float]]:
        """Return what is kept under these names, each with the seconds since it was put here."""
        with self._lock:
            now = self._clock()
            found = {key: self._values.get(key) for key in keys}
        return {key: (kept[0], now - kept[1]) for key, kept in found.items() if kept is not None}

    def put_many(self, values: Mapping[bytes, V]) -> None:
        """Keep values; one that is larger than the whole cache is not kept."""
        with self._lock:
            now = self._clock()
            for key, value in values.items():
                size = self._size(value)
                if size <= self._values.maxsize:
                    self._values[key] = (value, now, size)

    @property
    def bytes(self) -> int:
        """About how many bytes are kept."""
        with self._lock:
            return int(self._values.currsize)

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)


class _Counted(TTLCache[bytes, tuple[Any, float, int]]):
    def __init__(
        self,
        most_bytes: int,
        keep_seconds: float,
        clock: Callable[[], float],
        on_evicted: Callable[[], None],
    ) -> None:
        super().__init__(most_bytes, keep_seconds, timer=clock, getsizeof=lambda kept: kept[2])
        self._on_evicted = on_evicted

    def popitem(self) -> tuple[bytes, tuple[Any, float, int]]:
        self._on_evicted()
        return super().popitem()
