"""Time, always in UTC and always aware."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from estate.core.errors import DataError

_simulated: datetime | None = None


def now() -> datetime:
    """Return the present moment, or the one that a rehearsal pretends.

    Examples
    --------
    >>> now().tzinfo
    datetime.timezone.utc
    """
    return _simulated or datetime.now(UTC)


@contextmanager
def pretend(moment: datetime) -> Iterator[None]:
    """Let the present be this moment, in all threads of this process: for rehearsals.

    Leases and whatever else guards against two processes at once are on the database's own clock.

    Examples
    --------
    >>> with pretend(datetime(2024, 5, 1, tzinfo=UTC)):
    ...     now().isoformat()
    '2024-05-01T00:00:00+00:00'
    """
    global _simulated  # noqa: PLW0603 - one present for the whole process is the point
    before, _simulated = _simulated, moment
    try:
        yield
    finally:
        _simulated = before


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC.

    Raises
    ------
    DataError
        If the text is no time.

    Examples
    --------
    >>> parse_time("2026-01-05").isoformat()
    '2026-01-05T00:00:00+00:00'
    >>> parse_time("soon")
    Traceback (most recent call last):
    estate.core.errors.DataError: time: expected ISO 8601 such as 2026-01-05T08:30:00Z, got 'soon'.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError("time", expected="ISO 8601 such as 2026-01-05T08:30:00Z", got=repr(text)) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
