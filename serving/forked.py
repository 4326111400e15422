"""A process that is forked from one which has imported already what it needs: no second start."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from time import monotonic, sleep

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.02


class Forked:
    """A child process. Its parent must have no threads: they would not be there in the child.

    Parameters
    ----------
    run : callable
        What it does; returns its exit code.
    """

    def __init__(self, run: Callable[[], int]) -> None:
        self.code: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(run)

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def end(self, until: float) -> None:
        """Wait for its end until then (of the monotonic clock); after that it is killed."""
        while self.poll() is None and monotonic() < until:
            sleep(_LOOK_SECONDS)
        if self.poll() is None:
            self.send(signal.SIGKILL)
            while self.poll() is None:
                sleep(_LOOK_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _be_child(run: Callable[[], int]) -> None:
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        code = run()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # the child must end here, and never go on as a second parent
        logger.exception("process_failed error=%s", type(error).__name__)
    finally:
        logging.shutdown()
        os._exit(code)
