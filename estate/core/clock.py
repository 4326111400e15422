"""Time, always in UTC and always aware."""

from __future__ import annotations

from datetime import UTC, datetime

from estate.core.errors import DataError


def now() -> datetime:
    """Return the present moment.

    Examples
    --------
    >>> now().tzinfo
    datetime.timezone.utc
    """
    return datetime.now(UTC)


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
