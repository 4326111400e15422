"""``python -m model_registry.reconciler``: watch the registry all the time.

Several may run; the one that holds the lock acts, the others wait for its end. MLflow or Postgres may be
away: it says so once, keeps trying, and says once that they are back.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time

from estate.catalog import load_catalog
from estate.core.errors import LeadloopError, RegistryError, StoreError
from estate.core.logs import configure_logs
from estate.core.settings import load_settings
from estate.store.database import Database
from estate.store.locks import Held, try_advisory_lock
from model_registry.connection import Registry, connect
from model_registry.reconcile import Memory, reconcile_once

POLL_SECONDS = 0.5
LEAST_PAUSE_SECONDS = 0.1
_log = logging.getLogger(__name__)


class Troubles:
    """What is wrong at the moment; a log line for each change, none for each poll."""

    def __init__(self) -> None:
        self._said: str | None = None

    def note(self, trouble: Exception | None) -> None:
        """Log the trouble if it is a new one, or that it is over."""
        text = None if trouble is None else str(trouble)
        if text == self._said:
            return
        if text is None:
            _log.info("all is well again")
        else:
            _log.warning("%s", text)
        self._said = text


def run(registry: Registry, database: Database, *, poll_seconds: float = POLL_SECONDS) -> None:
    """Reconcile until the process is told to stop."""
    troubles = Troubles()
    while True:
        try:
            with try_advisory_lock(database, "reconciler") as lock:
                if lock is not None:
                    _log.info("reconciling %s every %g s", registry.uri, poll_seconds)
                    _act(registry, database, lock, troubles, poll_seconds)
        except StoreError as error:
            troubles.note(error)
        time.sleep(poll_seconds)


def _act(registry: Registry, database: Database, lock: Held, troubles: Troubles, poll_seconds: float) -> None:
    memory = Memory()
    while lock.alive():
        began = time.monotonic()
        try:
            reconcile_once(registry, database, memory=memory)
            troubles.note(None)
        except (RegistryError, StoreError) as error:
            troubles.note(error)
        time.sleep(max(LEAST_PAUSE_SECONDS, began + poll_seconds - time.monotonic()))
    troubles.note(
        StoreError("lock of the reconciler", expected="a connection that lives", got="a broken one")
    )


def main() -> None:
    """Start from the settings; SIGTERM and Ctrl-C end it at once."""
    # Not sys.exit: taking MLflow apart lasts seconds. Any moment is as safe as any other.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        settings = load_settings()
        configure_logs(settings)
        load_catalog(settings).names()  # now, not at the first click: model files may import much

        run(connect(settings), Database(settings.endpoint("database_url")))
    except KeyboardInterrupt:
        sys.exit(0)
    except LeadloopError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
