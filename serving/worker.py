"""``python -m serving.worker``: one of several serving processes on a port; its parent starts it."""

from __future__ import annotations

import argparse
import sys

from estate.core.errors import LeadloopError
from estate.core.logs import configure_logs
from estate.core.settings import load_settings
from serving.process import make_process
from serving.server import make_server
from serving.sockets import shared_address
from serving.workers import end_with_parent


def main() -> int:
    """Serve until SIGTERM or SIGINT, or until the parent is gone."""
    parser = argparse.ArgumentParser(prog="python -m serving.worker", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--parent-fd", type=int, required=True, help="ends when this pipe is closed")
    arguments = parser.parse_args()
    try:
        settings = load_settings().model_copy(update={"host": arguments.host})
        configure_logs(settings)
        process = make_process(settings, ship=False)
    except LeadloopError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    end_with_parent(arguments.parent_fd)
    make_server(process).run([shared_address(arguments.host, arguments.port)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
