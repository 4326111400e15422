"""One of several serving processes on a port."""

from __future__ import annotations

import logging

from estate.core.errors import LeadloopError
from estate.core.settings import Settings
from serving.process import make_process
from serving.server import make_server
from serving.sockets import shared_address

logger = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    try:
        process = make_process(settings, ship=False)
    except LeadloopError as error:
        logger.error("worker_not_started error=%s", error)
        return 1
    make_server(process).run([shared_address(host, port)])
    return 0
