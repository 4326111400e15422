"""One computation for many who ask for the same at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

Compute = Callable[[Sequence[K]], Mapping[K, V]]
"""From keys to values; a key that has none is left out."""


class SingleFlight(Generic[K, V]):
    """Computations under way, by key; safe to share between threads."""

    def __init__(self) -> None:
        self._flights: dict[K, Future[Mapping[K, V]]] = {}
        self._lock = threading.Lock()

    def run(self, keys: Sequence[K], compute: Compute[K, V]) -> dict[K, V]:
        """Return the values of keys: those that nobody computes are computed at once, the others awaited.

        One's own are computed first, so two who wait for each other's never wait for ever.

        Raises
        ------
        Exception
            Whatever the computation raised, here and for all who wait for it.
        """
        own, others = self._claim(keys)
        found: dict[K, V] = {}
        if own:
            found.update(self._fly(own, compute))
        for key, flight in others.items():
            values = flight.result()
            if key in values:
                found[key] = values[key]
        return found

    def _claim(self, keys: Sequence[K]) -> tuple[list[K], dict[K, Future[Mapping[K, V]]]]:
        mine: Future[Mapping[K, V]] = Future()
        with self._lock:
            others = {key: self._flights[key] for key in keys if key in self._flights}
            own = [key for key in dict.fromkeys(keys) if key not in others]
            self._flights.update(dict.fromkeys(own, mine))
        return own, others

    def _fly(self, keys: Sequence[K], compute: Compute[K, V]) -> Mapping[K, V]:
        flight = self._flights[keys[0]]
        try:
            values = compute(keys)
        except BaseException as error:
            self._land(keys)
            flight.set_exception(error)
            raise
        self._land(keys)
        flight.set_result(values)
        return values

    def _land(self, keys: Sequence[K]) -> None:
        with self._lock:
            for key in keys:
                del self._flights[key]
