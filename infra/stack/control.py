"""Starting, watching and stopping a stack from another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from estate.core.errors import StackError
from estate.core.settings import Settings
from infra.stack.guard import sweep
from infra.stack.lock import lock_holder
from infra.stack.log_files import last_lines, log_path, open_log
from infra.stack.status import PartStatus, StackStatus, read_written_status

CHILD = Path(__file__).parent / "child.py"
LOOK_EVERY_S = 0.1
STOP_LIMIT_S = 60.0


def read_status(home: Path) -> StackStatus:
    """Return the state of the stack of this home: ``down`` without a living supervisor there."""
    home = home.resolve()
    written = read_written_status(home)
    pid = lock_holder(home)
    if written is None or pid is None:
        failed = written is not None and written.state == "failed"
        return replace(written, pid=None) if written and failed else StackStatus(state="down", home=str(home))
    return replace(written, pid=pid)


def start(settings: Settings, *, detached: bool) -> subprocess.Popen[bytes]:
    """Start the supervisor's process.

    Parameters
    ----------
    settings : Settings
        Of this process; the supervisor reads the same ones from the environment.
    detached : bool
        It lives on when this process ends. If not, it stops the stack then, even if this process is killed.
    """
    home = settings.home.resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    wrapper = [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), str(int(signal.SIGTERM)), "plain"]
    command = [*([] if detached else wrapper), sys.executable, "-m", "infra.stack"]
    log = open_log(log_path(home, "supervisor"))
    try:
        env = {**os.environ, "LEADLOOP_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            command, env=env, start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    finally:
        os.close(log)


def watch_start(home: Path, process: subprocess.Popen[bytes] | None) -> Iterator[StackStatus]:
    """Yield the state again and again until the stack is up.

    Parameters
    ----------
    home : Path
        Of the stack.
    process : Popen or None
        Its supervisor if this process has started it.

    Raises
    ------
    StackError
        If it did not come up; everything that was started has been stopped by then.
    """
    while True:
        status = read_status(home)
        ended = process.poll() is not None if process else status.pid is None
        if ended and status.pid is None:
            raise failure(read_status(home))
        if status.pid is not None and status.state != "failed":  # a failure that is still being cleaned up
            yield status
            if status.state == "up":
                return
        time.sleep(LOOK_EVERY_S)


def failure(status: StackStatus) -> StackError:
    """Return the error of a stack that did not come up, with the last lines of the log that tells why."""
    name = status.failed_part or "supervisor"
    path = log_path(Path(status.home), name)
    lines = "\n".join(f"  {line}" for line in last_lines(path))
    what = status.error or f"The supervisor ended before the stack was up. Its log is {path}."
    return StackError(
        f"{what}\nThe last lines of it:\n{lines}" if lines and status.failed_part else f"{what}\n{lines}"
    )


def stop(home: Path) -> Iterator[PartStatus]:
    """Stop the stack of this home and nothing else; yield parts as they stop.

    Raises
    ------
    StackError
        If processes are left that could not even be killed.
    """
    home = home.resolve()
    pid = lock_holder(home)
    told: set[str] = set()
    deadline = time.monotonic() + STOP_LIMIT_S
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    while lock_holder(home) is not None:
        yield from _newly_stopped(home, told)
        if pid is not None and time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)  # its guard ends the rest
            pid = None
        time.sleep(LOOK_EVERY_S)
    if pid is not None:
        yield from _newly_stopped(home, told)
    sweep(home)
    if sweep(home, seconds=1.0):
        raise StackError(
            f"stack in {home}", got="processes that can't be ended", todo="Look at them with `ps`."
        )


def _newly_stopped(home: Path, told: set[str]) -> Iterator[PartStatus]:
    written = read_written_status(home)
    for part in written.parts if written else ():
        if part.state == "stopped" and part.name not in told:
            told.add(part.name)
            yield part
