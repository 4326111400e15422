"""Names of predictions: UUIDs of version 7, which rise with time.

The index of a table that is filled in the order of time grows at its end only: a new row touches a page that
is in memory already, where random names would touch any.

References
----------
RFC 9562, section 5.7.
"""

from __future__ import annotations

import os
import threading
from time import time_ns

_MS = 1_000_000
_BLOCK = 1024
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # its first two bits are fixed


class _Clock:
    """Milliseconds with a counter of 12 bits below them; never the same twice, never back."""

    def __init__(self) -> None:
        self.last = 0
        self.lock = threading.Lock()

    def take(self, count: int) -> int:
        with self.lock:
            first = max((time_ns() // _MS) << 12, self.last + 1)
            self.last = first + count - 1
        return first


class _Random:
    """Random bytes of the system, asked for in blocks: one call a name would cost as much as the rest."""

    def __init__(self) -> None:
        self.block = b""
        self.lock = threading.Lock()

    def take(self, size: int) -> bytes:
        with self.lock:
            if len(self.block) < size:
                self.block = os.urandom(max(_BLOCK, size))
            taken, self.block = self.block[:size], self.block[size:]
        return taken


_clock, _random = _Clock(), _Random()


def _begin_anew() -> None:
    """Let a forked process have free locks, which another thread may have held, and bytes of its own."""
    _clock.lock, _random.lock, _random.block = threading.Lock(), threading.Lock(), b""


os.register_at_fork(after_in_child=_begin_anew)


def new_ids(count: int) -> list[str]:
    """Return new names, rising within this process; 62 random bits tell those of other processes apart.

    Examples
    --------
    >>> first, second = new_ids(2)
    >>> len(first), first[14], first < second
    (36, '7', True)
    >>> new_ids(0)
    []
    """
    if count < 1:
        return []
    first = _clock.take(count)
    random = _random.take(8 * count).hex()
    made: list[str] = []
    while len(made) < count:
        step = first + len(made)
        time = f"{step >> 12:012x}"
        head = f"{time[:8]}-{time[8:]}-7"
        for low in range(step & 0xFFF, min((step & 0xFFF) + count - len(made), 0x1000)):
            at = 16 * len(made)
            variant, rest, node = _VARIANT[random[at]], random[at + 1 : at + 4], random[at + 4 : at + 16]
            made.append(f"{head}{low:03x}-{variant}{rest}-{node}")
    return made
