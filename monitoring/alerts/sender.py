"""Send what is due, on each channel for itself: one that fails holds up no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from estate.core.clock import now
from estate.core.errors import AlertError
from estate.core.settings import Settings
from estate.store import alerts
from estate.store.alerts import Alert
from estate.store.database import Database
from estate.store.locks import try_advisory_lock
from monitoring.alerts.channel import Channel
from monitoring.alerts.channels import channels_of
from monitoring.alerts.message import message_of
from monitoring.alerts.outbox import due_at
from monitoring.alerts.quiet_hours import read_quiet_hours

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivery:
    """What became of a message.

    Parameters
    ----------
    channel : str
    alerts : int
        How many were in it.
    error : str or None
        Class of what kept it from being sent; None if it was.
    given_up : int
        How many of them are not tried any more.
    """

    channel: str
    alerts: int
    error: str | None = None
    given_up: int = 0


def send_alerts(
    settings: Settings, database: Database, *, channels: Sequence[Channel] | None = None
) -> tuple[Delivery, ...]:
    """Send every alert that is due, and those of incidents that are open for long; safe to repeat.

    Two senders at once do not send the same twice: a channel that another one is busy with is left to it.

    Parameters
    ----------
    channels : sequence of Channel, optional
        Those that the settings name if not given.

    Raises
    ------
    StoreError
        If the database can't be reached.
    SettingsError
        If a setting of the alerts is wrong.
    """
    deliveries: list[Delivery] = []
    for channel in channels_of(settings) if channels is None else channels:
        with try_advisory_lock(database, f"alerts {channel.name}") as held:
            if held is not None:
                _queue_untold(settings, database, channel, now())
                deliveries += _send(database, channel, now())
    return tuple(deliveries)


def _queue_untold(settings: Settings, database: Database, channel: Channel, at: datetime) -> None:
    quiet = read_quiet_hours(settings.alert_quiet_hours)
    before = at - timedelta(hours=settings.alert_repeat_hours)
    with database.begin() as connection:
        for incident, kind in alerts.untold(connection, channel.name, before=before):
            due = due_at(incident, quiet, at)
            alerts.queue(connection, incident, channel.name, kind=kind, at=at, due_at=due)


def _send(database: Database, channel: Channel, at: datetime) -> list[Delivery]:
    deliveries: list[Delivery] = []
    while True:
        with database.begin() as connection:
            batch = alerts.begin_try(connection, channel.name, at=at)
        if not batch:
            return deliveries
        deliveries.append(_deliver(database, channel, batch))
        if deliveries[-1].error is not None:
            return deliveries  # the rest would fail too


def _deliver(database: Database, channel: Channel, batch: list[Alert]) -> Delivery:
    try:
        channel.send(message_of(batch))
    except AlertError as error:
        with database.begin() as connection:
            given_up = alerts.mark_not_sent(connection, batch, error.got, at=now())
        fields = {"channel": channel.name, "alerts": len(batch), "error": error.got, "given_up": given_up}
        log.error("alerts_not_sent", extra={"fields": fields})
        return Delivery(channel.name, len(batch), error.got, given_up)
    with database.begin() as connection:
        alerts.mark_sent(connection, batch, at=now())
    return Delivery(channel.name, len(batch))
