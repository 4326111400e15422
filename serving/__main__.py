"""``python -m serving``: a serving process, or several on one port."""

from __future__ import annotations

import argparse
import sys

from estate.core.errors import LeadloopError, SettingsError
from estate.core.logs import configure_logs
from estate.core.settings import Settings, load_settings
from serving.guard.binding import require_keys
from serving.guard.key_file import key_file
from serving.sockets import free_address


def main() -> int:
    """Serve until SIGTERM or SIGINT; requests under way are finished, their answers are kept."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Answers requests for scores.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    parser.add_argument(
        "--workers",
        type=int,
        help="processes that answer, and one that ships what they answered; 0: all in this one; "
        "LEADLOOP_SERVING_WORKERS if not given",
    )
    arguments = parser.parse_args()
    try:
        settings = load_settings().model_copy(update={"host": arguments.host})
        configure_logs(settings)
        require_keys(settings.host, key_file(settings))
        workers = settings.serving_workers if arguments.workers is None else arguments.workers
        return _serve(settings, arguments.port, workers)
    except LeadloopError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _serve(settings: Settings, port: int, workers: int) -> int:
    """Answer here, or start processes that do: what only one of both needs is imported there."""
    if not 0 <= workers <= 64:
        raise SettingsError("--workers", expected="0 to 64", got=str(workers))
    with free_address(settings.host, port) as address:
        if workers:
            from serving.workers import Workers

            return Workers(settings, address, workers).run()
        from serving.process import make_process
        from serving.server import make_server

        make_server(make_process(settings)).run([address])
    return 0


if __name__ == "__main__":
    sys.exit(main())
