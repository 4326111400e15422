"""``python -m serving``: one serving process."""

from __future__ import annotations

import argparse
import sys

import uvicorn

from estate.core.errors import LeadloopError
from estate.core.logs import configure_logs
from estate.core.settings import load_settings
from serving.app import build_app
from serving.process import make_process

_DRAIN_SECONDS = 10


def main() -> int:
    """Serve until SIGTERM or SIGINT; requests under way are finished, their answers are kept."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Answers requests for scores.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        configure_logs(settings)
        app = build_app(make_process(settings))
    except LeadloopError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    uvicorn.run(
        app,
        host=arguments.host,
        port=arguments.port,
        access_log=False,  # a path holds no case, but a line a request is what metrics are for
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
