"""Written with the incident, sent afterwards: what is to be told to whom, and when."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from estate.core.errors import SettingsError
from estate.core.settings import Settings
from estate.store import alerts
from estate.store.alerts import Kind
from estate.store.incidents import Incident, IncidentChanges
from monitoring.alerts.channels import channels_of
from monitoring.alerts.quiet_hours import QuietHours, read_quiet_hours

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)


def queue_alerts(
    connection: Connection, changes: IncidentChanges, settings: Settings, *, at: datetime
) -> None:
    """Have what opened and what healed told on every channel, with the end of this transaction.

    A wrong setting does not stop the pass: it is logged, and raised by whoever sends. What opened is told
    then.

    Parameters
    ----------
    connection : Connection
        The transaction that `record_findings` was called in: an incident is never kept without its alert.
    at : datetime
        Moment of the pass.
    """
    try:
        quiet = read_quiet_hours(settings.alert_quiet_hours)
        names = [channel.name for channel in channels_of(settings)]
    except SettingsError as error:
        log.error("alerts_not_queued", extra={"fields": {"problem": str(error)}})
        return
    for name in names:
        _queue(connection, changes.opened, name, kind="opened", at=at, quiet=quiet)
        _queue(connection, changes.healed, name, kind="healed", at=at, quiet=quiet)


def due_at(incident: Incident, quiet: QuietHours, moment: datetime) -> datetime:
    """Return when an incident may be told: at once if it is breaking, else not in quiet hours."""
    return moment if incident.severity == "breaking" else quiet.over_at(moment)


def _queue(  # noqa: PLR0913 - one row, by keyword
    connection: Connection,
    changed: tuple[Incident, ...],
    channel: str,
    *,
    kind: Kind,
    at: datetime,
    quiet: QuietHours,
) -> None:
    for incident in changed:
        if incident.severity != "info":
            due = due_at(incident, quiet, at)
            alerts.queue(connection, incident, channel, kind=kind, at=at, due_at=due)
