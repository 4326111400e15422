"""Alerts in the log: always there, for whoever collects log lines."""

from __future__ import annotations

import logging

from monitoring.alerts.channel import Message

log = logging.getLogger(__name__)

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "breaking": logging.ERROR}


class LogLine:
    """Writes one log line for each incident."""

    name = "log"

    def send(self, message: Message) -> None:
        """Write the lines; what heals is said quietly."""
        for line in message.lines:
            level = logging.INFO if line.fields["kind"] == "healed" else _LEVELS[line.severity]
            log.log(level, "incident_%s", line.fields["kind"], extra={"fields": line.fields})
