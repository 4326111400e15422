"""Whether a part that may be missing is there; asked away from the requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Link:
    """Knows whether a server answers.

    Once it did not, nobody asks it but a thread of its own, every few seconds, until it answers again: a
    request pays for a server that is gone at most once, and never for finding out that it is still gone.

    Parameters
    ----------
    name : str
        For the log.
    probe : callable
        Raises if the server does not answer.
    pause_seconds : float
    """

    def __init__(self, name: str, probe: Callable[[], object], *, pause_seconds: float = 2.0) -> None:
        self._name, self._probe, self._pause = name, probe, pause_seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self.up = False
        self._watch()

    def failed(self, error: Exception) -> None:
        """Say that the server did not answer."""
        with self._lock:
            if not self.up:
                return
            self.up = False
        logger.warning("%s_away error=%s", self._name, type(error).__name__)
        self._watch()

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()
        self.up = False
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _watch(self) -> None:
        if not self._closed.is_set():
            self._thread = threading.Thread(target=self._run, name=f"{self._name}-link", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._probe()
            except Exception as error:  # whatever its client raises, it is not there
                logger.debug("%s_still_away error=%s", self._name, type(error).__name__)
            else:
                self.up = not self._closed.is_set()
                logger.info("%s_there", self._name)
                return
            self._closed.wait(self._pause)
