"""``python -m serving.journal``: brings answers from this machine's disk to Postgres, for several workers."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from estate.core.errors import LeadloopError
from estate.core.logs import configure_logs
from estate.core.settings import Settings, load_settings
from estate.store.prediction_writer import PredictionWriter
from serving.journal.delivery import Delivery
from serving.journal.places import journal_folder, spool_folder
from serving.journal.shipper import Shipper
from serving.metrics import Metrics

_NICE = 10
"""Answering goes first."""


def main() -> int:
    """Ship until SIGTERM or SIGINT, then what is left, if the database is there."""
    parser = argparse.ArgumentParser(prog="python -m serving.journal", description=__doc__)
    parser.add_argument(
        "--parent-fd", type=int, help="a pipe of the parent's: ends at once when it is closed"
    )
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        configure_logs(settings)
    except LeadloopError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments.parent_fd is not None:
        threading.Thread(target=_end_with, args=(arguments.parent_fd,), daemon=True).start()
    return ship(settings)


def ship(settings: Settings) -> int:
    """Ship until SIGTERM or SIGINT; returns the exit code."""
    os.nice(_NICE)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    writer = PredictionWriter(lambda: settings.endpoint("database_url"))
    folder, metrics = journal_folder(settings), Metrics(only_log=True)
    delivery = Delivery(
        writer, folder, count_written=metrics.log_written.inc, count_refused=metrics.log_refused.inc
    )
    Shipper(folder, delivery, spool=spool_folder(settings)).run(stopping)
    return 0


def _end_with(parent: int) -> None:
    while os.read(parent, 1024):
        pass
    os._exit(0)  # nothing has to be finished: what was not remembered is shipped again, and left out


if __name__ == "__main__":
    sys.exit(main())
