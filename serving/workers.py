"""Several serving processes on one port, and the one that brings their answers to the database.

The parent answers nothing itself: it imports what they need, once, and forks. Each worker binds the port for
itself, and listens when it can answer; the kernel shares connections out among them (``SO_REUSEPORT``). A
process that dies is forked again; all of them end with the parent, however that ends: each has one end of a
pipe whose other end only the parent has.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, sleep

from estate.core.settings import Settings
from serving import worker
from serving.forked import Forked
from serving.journal.__main__ import ship
from serving.shared import SharedFolder

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.05
_STOP_SECONDS = 30.0
_STABLE_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass
class _Child:
    """A process that is to run, by the name under which it counts."""

    name: str
    run: Callable[[], int]
    process: Forked | None = None
    started: float = 0.0
    pause: float = 0.0
    due: float = field(default_factory=monotonic)


class Workers:
    """Starts the processes, and starts again what dies.

    Parameters
    ----------
    settings : Settings
    address : socket
        Bound where they are to listen: it keeps the port for them, and takes no connection itself.
    count : int
        Of workers; there is one process more, which ships the journal.
    """

    def __init__(self, settings: Settings, address: socket.socket, count: int) -> None:
        host, port = address.getsockname()[:2]
        self._shared = SharedFolder(settings.home / "serving" / f"workers-{port}")
        self._ours, self._theirs = -1, -1
        self._stopping = False
        serve = lambda: worker.serve(settings, host, port)  # noqa: E731
        self._children = [_Child(f"worker-{i}", serve) for i in range(count)]
        self._children.append(_Child("shipper", lambda: ship(settings)))

    def run(self) -> int:
        """Run until SIGTERM or SIGINT; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_soon)
        self._shared.prepare()
        self._theirs, self._ours = os.pipe()
        try:
            while not self._stopping:
                for child in self._children:
                    self._tend(child)
                sleep(_LOOK_SECONDS)
        finally:
            self._stop()
        return 0

    def _stop_soon(self, *_: object) -> None:
        self._stopping = True  # no lock: this runs in the midst of whatever the loop does

    def _tend(self, child: _Child) -> None:
        """Start a process that does not run; later and later if it does not live long."""
        if child.process is not None:
            if child.process.poll() is None:
                return
            self._shared.ended(child.name)
            lived = monotonic() - child.started
            child.pause = (
                0.0 if lived > _STABLE_SECONDS else min(2 * child.pause + 0.1, _LONGEST_PAUSE_SECONDS)
            )
            child.due = monotonic() + child.pause
            logger.error("process_ended name=%s code=%s lived_s=%.1f", child.name, child.process.code, lived)
            child.process = None
        if monotonic() >= child.due:
            self._start(child)

    def _start(self, child: _Child) -> None:
        child.started = monotonic()
        child.process = Forked(lambda: self._run(child))
        logger.info("process_started name=%s pid=%d", child.name, child.process.pid)

    def _run(self, child: _Child) -> int:
        """Be the child."""
        os.close(self._ours)
        os.environ.update(self._shared.environment(child.name))
        end_with_parent(self._theirs)
        return child.run()

    def _stop(self) -> None:
        """End the workers first: what they answered last is shipped by the one that ends after them."""
        *workers, shipper = self._children
        until = monotonic() + _STOP_SECONDS
        for group in (workers, [shipper]):
            running = [child.process for child in group if child.process is not None]
            for process in running:
                process.send(signal.SIGTERM)
            for process in running:
                process.end(until)
        os.close(self._ours)


def end_with_parent(pipe: int) -> None:
    """Send this process SIGTERM when the parent is gone, from a thread that waits for it."""

    def wait() -> None:
        while os.read(pipe, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
