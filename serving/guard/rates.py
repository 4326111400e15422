"""How often: one moment a caller, until which what it took is paid for (the generic cell rate algorithm).

The same as a token bucket, in one number: with a rate of r rows a second and b rows at once, n rows are
granted if the moment, at least now, plus n/r lies at most b/r ahead of now; then it becomes the moment.

References
----------
ITU-T I.371, annex A.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_SLOTS = 1 << 17
_SLOT_BYTES = 8


@dataclass(frozen=True)
class Rate:
    """A limit.

    Parameters
    ----------
    number : int
        Of the caller.
    rows_per_second : float
    burst : float
        Rows at once; no request of more can ever be granted.
    """

    number: int
    rows_per_second: float
    burst: float


class Rates:
    """The moments of all callers: in a file for several processes, which together keep one limit.

    Parameters
    ----------
    path : Path, optional
        On this machine; its clock is the one since the start of the machine. In memory if not given.
    clock : callable, optional
        Seconds, the same in all processes.

    Examples
    --------
    >>> rates = Rates(clock=lambda: 100.0)
    >>> slow = Rate(1, rows_per_second=2, burst=4)
    >>> rates.take(slow, 3), rates.take(slow, 1), rates.take(slow, 1)
    (0.0, 0.0, 0.5)
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._file: int | None = None
        size = _SLOTS * _SLOT_BYTES
        if path is None:
            memory = mmap.mmap(-1, size)
        else:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._file, size)
            memory = mmap.mmap(self._file, size)
        self._until = memoryview(memory).cast("d")

    def give_back(self, rate: Rate, rows: int) -> None:
        """Give rows back that were granted and are counted elsewhere.

        Examples
        --------
        >>> rates = Rates(clock=lambda: 100.0)
        >>> slow = Rate(1, rows_per_second=2, burst=4)
        >>> rates.take(slow, 4), rates.give_back(slow, 4), rates.take(slow, 4)
        (0.0, None, 0.0)
        """
        self.take(rate, -rows)

    def take(self, rate: Rate, rows: int) -> float:
        """Take rows.

        Parameters
        ----------
        rate : Rate
        rows : int
            At most ``rate.burst``, or they are never granted.

        Returns
        -------
        float
            0 if they were granted; else the seconds after which they would be, and none was taken.
        """
        slot = rate.number % _SLOTS  # two keys of 131,072 share one
        with self._lock:
            if self._file is None:
                return self._take(slot, rate, rows)
            # Of this slot alone; the kernel lets go of it if the process dies.
            fcntl.lockf(self._file, fcntl.LOCK_EX, _SLOT_BYTES, slot * _SLOT_BYTES)
            try:
                return self._take(slot, rate, rows)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _SLOT_BYTES, slot * _SLOT_BYTES)

    def _take(self, slot: int, rate: Rate, rows: int) -> float:
        now = self._clock()
        until = max(self._until[slot], now) + rows / rate.rows_per_second
        wait = until - now - rate.burst / rate.rows_per_second
        if wait > 1e-9 * max(until, 1.0):  # a rounding error may not make a full burst too much
            return wait
        self._until[slot] = until
        return 0.0
