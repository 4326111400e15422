"""Log lines: one event with ids, as text or as JSON; never a name, an address or a message's text."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

from estate.core.settings import Settings

REQUEST_ID: ContextVar[str] = ContextVar("leadloop_request_id", default="")
"""Id of the request that is being answered; every line that is written meanwhile carries it."""


class TextFormatter(logging.Formatter):
    """Write a record as one line of text, its fields as ``name=value`` behind the event."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """Return the line without the exception."""
        said = [f"{name}={value}" for name, value in _fields(record).items()]
        return " ".join([super().formatMessage(record), *said])


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    """Return what a record says besides its event: ``extra={"fields": …}`` and the request's id."""
    request = REQUEST_ID.get()
    named: Mapping[str, object] = getattr(record, "fields", {})
    return {"request": request, **named} if request else named


def configure_logs(settings: Settings) -> None:
    """Send all log lines to standard error in the form that the settings ask for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
