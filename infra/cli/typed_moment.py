"""A moment as a person types it."""

from __future__ import annotations

from datetime import UTC, datetime

from estate.core.clock import now, parse_time
from estate.core.errors import DataError


def parse_moment(text: str) -> datetime:
    """Return the moment; without a zone it is UTC, without a date it is today.

    Raises
    ------
    DataError
        If it is neither a moment nor a time of the day in ISO 8601.

    Examples
    --------
    >>> parse_moment("2026-11-21 14:05").isoformat()
    '2026-11-21T14:05:00+00:00'
    >>> parse_moment("2026-11-21T14:05+02:00").isoformat()
    '2026-11-21T12:05:00+00:00'
    >>> parse_moment("14:05").time().isoformat()
    '14:05:00'
    >>> parse_moment("teatime")
    Traceback (most recent call last):
    estate.core.errors.DataError: time `teatime`: expected 2026-11-21T14:05, with a zone if it is not UTC, \
or 14:05 for today. Correct it.
    """
    try:
        whole = f"{now().date()}T{text}" if ":" in text[:3] else text
        return parse_time(whole).astimezone(UTC)
    except (DataError, OverflowError) as error:
        raise DataError(
            f"time `{text}`",
            expected="2026-11-21T14:05, with a zone if it is not UTC, or 14:05 for today",
            todo="Correct it.",
        ) from error
