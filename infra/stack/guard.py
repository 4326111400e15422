"""Ends what is left of a stack whose supervisor is gone, however it went.

Every process of a stack carries a mark in its environment, inherited by all that it starts: workers of a
server, flow runs, whatever they start. The guard waits on a pipe whose other end the supervisor holds. When
that closes, because the supervisor stopped or was killed, the guard ends every process with the mark. Groups
and sessions would not do: a program may leave them, its environment stays.

Run by path (``python -I -S guard.py HOME``), so that it needs about 10 MB and nothing of the project.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "LEADLOOP_STACK_PART"


def mark(home: Path, part: str = "") -> str:
    """Return the environment variable's value for a part of the stack of this home.

    Examples
    --------
    >>> mark(Path("/srv/desk"), "mlflow")
    '/srv/desk::mlflow'
    """
    return f"{home}::{part}"


def marked(home: Path, part: str = "") -> Iterator[int]:
    """Yield the process ids that carry the mark of this home, or of one part of it."""
    wanted = f"{MARK}={mark(home, part)}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # gone in between, or not ours to read
            continue
        if any(one == wanted or (not part and one.startswith(wanted)) for one in variables):
            yield int(folder.name)


def sweep(home: Path, part: str = "", *, seconds: float = 5.0) -> int:
    """Kill every marked process but this one, and what they start meanwhile; return how many there were."""
    seen: set[int] = set()
    deadline = time.monotonic() + seconds
    while found := {pid for pid in marked(home, part) if pid != os.getpid() and not _is_zombie(pid)}:
        seen |= found
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return len(seen)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def main(home: Path) -> None:
    """Wait until the supervisor is gone, give its children a moment to go by themselves, then sweep."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    # Nobody answers there any more; commands shall say so instead of trying the old addresses.
    (home / "endpoints.json").unlink(missing_ok=True)
    time.sleep(0.2)
    sweep(home)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
