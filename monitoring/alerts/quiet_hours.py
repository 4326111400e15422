"""Hours in which people are left alone, unless something breaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from estate.core.errors import SettingsError


@dataclass(frozen=True)
class QuietHours:
    """From a time of the day to another one, over midnight where the first is the later.

    Parameters
    ----------
    begin, end : time
        The same twice: never quiet.
    zone : ZoneInfo
    """

    begin: time
    end: time
    zone: ZoneInfo

    def over_at(self, moment: datetime) -> datetime:
        """Return the moment itself, or the end of the quiet hours that it lies in (UTC).

        Examples
        --------
        >>> night = read_quiet_hours("22:00-07:00 America/New_York")
        >>> night.over_at(datetime(2026, 3, 3, 2, 30, tzinfo=UTC)).isoformat()  # 21:30 in New York
        '2026-03-03T02:30:00+00:00'
        >>> night.over_at(datetime(2026, 3, 3, 4, 0, tzinfo=UTC)).isoformat()  # 23:00 in New York
        '2026-03-03T12:00:00+00:00'
        """
        there = moment.astimezone(self.zone)
        clock = there.time()
        if self.begin <= self.end:
            inside, days = self.begin <= clock < self.end, 0
        else:
            inside, days = clock >= self.begin or clock < self.end, int(clock >= self.begin)
        if not inside:
            return moment
        end = datetime.combine(there.date() + timedelta(days=days), self.end, tzinfo=self.zone)
        return max(moment, end.astimezone(UTC))  # in the hour that a clock change skips, it may lie before


def read_quiet_hours(said: str | None) -> QuietHours:
    """Read ``22:00-07:00 Europe/Paris``; UTC without a zone; never quiet if nothing is said.

    Raises
    ------
    SettingsError
        If it is of another form, or the zone is not known.

    Examples
    --------
    >>> read_quiet_hours("25:00-07:00")
    Traceback (most recent call last):
    estate.core.errors.SettingsError: setting LEADLOOP_ALERT_QUIET_HOURS: expected hours such as \
22:00-07:00 Europe/Paris, got '25:00-07:00'. Correct the environment or .env.
    """
    if said is None:
        return QuietHours(time(), time(), ZoneInfo("UTC"))
    hours, _, zone = said.partition(" ")
    begin, _, end = hours.partition("-")
    try:
        return QuietHours(time.fromisoformat(begin), time.fromisoformat(end), ZoneInfo(zone or "UTC"))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise SettingsError(
            "setting LEADLOOP_ALERT_QUIET_HOURS",
            expected="hours such as 22:00-07:00 Europe/Paris",
            got=repr(said),
            todo="Correct the environment or .env.",
        ) from error
