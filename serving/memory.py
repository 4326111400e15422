"""How much memory this process holds."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from prometheus_client import Gauge

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 5.0
_STATM = Path("/proc/self/statm")


class MemoryWatch:
    """Sets a gauge every five seconds; where there is no ``/proc`` it stays at 0.

    Parameters
    ----------
    gauge : Gauge
        Bytes.
    """

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def start(self) -> None:
        """Begin."""
        if _STATM.exists():
            self._thread.start()

    def close(self) -> None:
        """End."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._gauge.set(resident_bytes())
            except OSError as error:
                logger.warning("memory_unknown error=%s", type(error).__name__)
            if self._stopping.wait(_EVERY_SECONDS):
                return


def resident_bytes() -> int:
    """Return the resident memory of this process (Linux)."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
