"""How fast a model answers, as it was lately."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic, thread_time

_WEIGHT = 0.2
_SMALL_ROWS = 64
_QUICK_CPU_SECONDS = 0.002
_QUICK_ROW_SECONDS = 0.0001
_QUICK_SECONDS = 0.02  # longer than a thread waits for the interpreter where others compute too
_LOOKED_BACK = 16


@dataclass(frozen=True, slots=True)
class Spent:
    """Moments at the start of a call: by the clock, and by what this thread has computed."""

    clock: float
    computed: float

    @classmethod
    def now(cls) -> Spent:
        """Return both as they are."""
        return cls(monotonic(), thread_time())

    def until_now(self, *, shared_by: int = 1) -> Spent:
        """Return what was spent since; each one's part, where several shared it."""
        return Spent((monotonic() - self.clock) / shared_by, (thread_time() - self.computed) / shared_by)


class Pace:
    """Averages over the calls to a model; safe to share between threads.

    What a call computes says how long it blocks others on a machine with nothing else to do; what the clock
    says grows with everything else that runs there. A call is short if it computes less than 2 ms, or less
    than 0.1 ms for each of its rows, and if the shortest of late was short by the clock too: one that waits
    for something is always long.

    Examples
    --------
    >>> pace = Pace()
    >>> pace.quick
    False
    >>> pace.add(1, clock=0.001, computed=0.0001)
    >>> pace.quick
    True
    >>> pace.add(1, clock=1.0, computed=0.9)
    >>> pace.quick
    False
    """

    def __init__(self) -> None:
        self._computed: float | None = None
        self._row_seconds = 0.0
        self._clocks: deque[float] = deque(maxlen=_LOOKED_BACK)
        self._lock = threading.Lock()

    def note(self, rows: int, *spent: Spent) -> None:
        """Count a call by the parts of what it took."""
        clock, computed = sum(part.clock for part in spent), sum(part.computed for part in spent)
        self.add(rows, clock=clock, computed=computed)

    def add(self, rows: int, *, clock: float, computed: float) -> None:
        """Count a call: seconds by the clock, and those that were computed."""
        with self._lock:
            first = self._computed is None
            weight = 1.0 if first else _WEIGHT
            self._row_seconds += weight * (clock / max(rows, 1) - self._row_seconds)
            computed = 0.0 if computed < rows * _QUICK_ROW_SECONDS else computed
            # A large call says little of a small one.
            if rows <= _SMALL_ROWS or self._computed is None:
                self._computed = (
                    computed
                    if self._computed is None
                    else (self._computed + weight * (computed - self._computed))
                )
                self._clocks.append(clock)

    @property
    def quick(self) -> bool:
        """Whether a small call is over before a thread would have taken it up; False where none was seen."""
        if self._computed is None or self._computed >= _QUICK_CPU_SECONDS:
            return False
        return min(self._clocks) < _QUICK_SECONDS

    def seconds_of(self, rows: int) -> float:
        """Return about how long so many rows take by the clock."""
        return rows * self._row_seconds
