"""Which ways of telling people the settings name."""

from __future__ import annotations

from estate.core.errors import SettingsError
from estate.core.settings import Settings
from monitoring.alerts.channel import Channel
from monitoring.alerts.email import Email
from monitoring.alerts.log_line import LogLine
from monitoring.alerts.webhook import Webhook


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """Return the log, and e-mail and webhook where they are set.

    Raises
    ------
    SettingsError
        If a setting is wrong, or a mail server is set without recipients.
    """
    channels: list[Channel] = [LogLine()]
    if settings.alert_smtp_url is not None:
        if not settings.alert_recipients:
            raise SettingsError(
                "setting LEADLOOP_ALERT_RECIPIENTS",
                expected="addresses, since LEADLOOP_ALERT_SMTP_URL is set",
                got="none",
                todo="Set both or neither.",
            )
        channels.append(Email(settings.alert_smtp_url, settings.alert_recipients, settings.alert_sender))
    if settings.alert_webhook_url is not None:
        channels.append(Webhook(settings.alert_webhook_url))
    return tuple(channels)
