"""One line a request for those who look closely; for all, a line where something went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

logger = logging.getLogger(__name__)

_SHED = 429
_LINES_PER_SECOND = 20


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """What is said of a request: never what its rows hold.

    Parameters
    ----------
    request : str
        Its id.
    route : str
    status : int
    seconds : float
    model, version, source : str
        Empty where nothing was scored.
    key : str
        Name of the API key.
    predictions : int
    first : str
        Id of the first of them.
    """

    request: str
    route: str
    status: int
    seconds: float
    model: str = ""
    version: str = ""
    source: str = ""
    key: str = ""
    predictions: int = 0
    first: str = ""

    def fields(self) -> dict[str, str | int | float]:
        """Return what is known, by name."""
        said: dict[str, str | int | float] = {
            "request": self.request,
            "route": self.route,
            "status": self.status,
            "ms": round(self.seconds * 1000, 2),
            "model": self.model,
            "version": self.version,
            "source": self.source,
            "key": self.key,
            "predictions": self.predictions,
            "first": self.first,
        }
        return {name: value for name, value in said.items() if value or name == "ms"}


class RequestLog:
    """Writes lines: at INFO for 5xx, 429 and slow requests, at most 20 a second; at DEBUG for every one.

    Parameters
    ----------
    slow_seconds : float
    clock : callable, optional
        Seconds.
    """

    def __init__(self, slow_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._slow, self._clock = slow_seconds, clock
        self._second, self._lines, self._left_out = 0, 0, 0

    def wants(self, status: int, seconds: float) -> bool:
        """Say whether a request gets a line; what it takes to describe it is spared where not."""
        return self._matters(status, seconds) or logger.isEnabledFor(logging.DEBUG)

    def note(self, request: AnsweredRequest) -> None:
        """Write the line of a request that :meth:`wants` one."""
        if logger.isEnabledFor(logging.DEBUG):
            level = logging.INFO if self._matters(request.status, request.seconds) else logging.DEBUG
            logger.log(level, "request", extra={"fields": request.fields()})
        elif self._has_room():
            logger.info("request", extra={"fields": request.fields()})

    def _matters(self, status: int, seconds: float) -> bool:
        return status >= 500 or status == _SHED or seconds >= self._slow

    def _has_room(self) -> bool:
        """Keep an overload from being one of the log too; what is left out is counted."""
        second = int(self._clock())
        if second != self._second:
            if self._left_out:
                logger.info("requests_not_logged requests=%d", self._left_out)
            self._second, self._lines, self._left_out = second, 0, 0
        self._lines += 1
        if self._lines <= _LINES_PER_SECOND:
            return True
        self._left_out += 1
        return False
