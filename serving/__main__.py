"""``python -m serving``: one serving process."""

from __future__ import annotations

import argparse
import sys

from estate.core.errors import LeadloopError
from estate.core.logs import configure_logs
from estate.core.settings import load_settings
from serving.guard.binding import require_keys
from serving.guard.key_file import key_file
from serving.process import make_process
from serving.server import listening_socket, make_server


def main() -> int:
    """Serve until SIGTERM or SIGINT; requests under way are finished, their answers are kept."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Answers requests for scores.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    arguments = parser.parse_args()
    try:
        settings = load_settings().model_copy(update={"host": arguments.host})
        configure_logs(settings)
        require_keys(settings.host, key_file(settings))
        process = make_process(settings)
    except LeadloopError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    make_server(process).run([listening_socket(arguments.host, arguments.port)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
