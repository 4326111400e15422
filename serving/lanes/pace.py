"""How fast a model answers, as it was lately."""

from __future__ import annotations

import threading

_WEIGHT = 0.2
_QUICK_SECONDS = 0.002
_PROBE_ROWS = 64


class Pace:
    """A moving average of the seconds of a call and of a row; safe to share between threads.

    Examples
    --------
    >>> pace = Pace()
    >>> pace.note(1, 0.0001)
    >>> pace.quick
    True
    >>> pace.note(1, 1.0)
    >>> pace.quick, round(pace.seconds_of(10), 1)
    (False, 2.0)
    """

    def __init__(self) -> None:
        self._call_seconds: float | None = None
        self._row_seconds = 0.0
        self._lock = threading.Lock()

    def note(self, rows: int, seconds: float) -> None:
        """Count a call."""
        of_row = seconds / max(rows, 1)
        with self._lock:
            if self._call_seconds is None:
                self._call_seconds, self._row_seconds = seconds, of_row
                return
            # A large call says little of a small one: only small ones tell what one of them takes.
            if rows <= _PROBE_ROWS:
                self._call_seconds += _WEIGHT * (seconds - self._call_seconds)
            self._row_seconds += _WEIGHT * (of_row - self._row_seconds)

    @property
    def quick(self) -> bool:
        """Whether a small call is over before a thread would have taken it up; False where none was seen."""
        return self._call_seconds is not None and self._call_seconds < _QUICK_SECONDS

    def seconds_of(self, rows: int) -> float:
        """Return about how long so many rows take."""
        return rows * self._row_seconds
