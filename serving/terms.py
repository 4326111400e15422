"""What a caller asks for in the headers: until when an answer is wanted, and how much it matters."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from estate.core.errors import DataError
from serving.lanes.question import PATIENCE_SECONDS, Priority, Terms
from serving.problems import Problem

TIMEOUT, PRIORITY = "x-timeout-ms", "x-priority"
_MOST_MS = 600_000


def terms_of(headers: Mapping[str, str]) -> Terms:
    """Read the terms of a request.

    Raises
    ------
    Problem
        422 if a header holds something else.

    Examples
    --------
    >>> terms_of({"x-priority": "bulk"}).priority
    <Priority.BULK: 1>
    """
    return Terms(_priority(headers.get(PRIORITY)), monotonic() + _seconds(headers.get(TIMEOUT)))


def _seconds(said: str | None) -> float:
    if said is None:
        return PATIENCE_SECONDS
    if not said.isascii() or not said.isdecimal() or not 1 <= int(said[:9]) <= _MOST_MS or len(said) > 9:
        expected = f"whole milliseconds, 1 to {_MOST_MS}"
        raise Problem(422, DataError(f"header {TIMEOUT}", expected=expected, got=repr(said[:40])))
    return int(said) / 1000


def _priority(said: str | None) -> Priority | None:
    match said:
        case None:
            return None
        case "interactive":
            return Priority.INTERACTIVE
        case "bulk":
            return Priority.BULK
        case _:
            expected, got = "interactive or bulk", repr(said[:40])
            raise Problem(422, DataError(f"header {PRIORITY}", expected=expected, got=got))
