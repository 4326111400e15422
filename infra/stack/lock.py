"""One supervisor per home."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from estate.core.clock import now

LOCK_FILE = "supervisor.lock"


def take_lock(home: Path) -> IO[str] | None:
    """Take the lock of this home and write process id and time into it; None if another process has it.

    The lock is the kernel's: it is gone when the process is, however it ended.
    """
    file = _open(home)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.seek(0)
    file.truncate()
    json.dump({"pid": os.getpid(), "since": now().isoformat()}, file)
    file.flush()
    return file


def lock_holder(home: Path) -> int | None:
    """Return the process id of the living supervisor of this home, None if there is none."""
    if not (home / LOCK_FILE).exists():
        return None
    with _open(home) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read()
            return int(json.loads(text)["pid"]) if text else None
    return None


def _open(home: Path) -> IO[str]:
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "r+")
