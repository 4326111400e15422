"""Log files of the parts: one each, bounded, readable by their owner only."""

from __future__ import annotations

import os
import shutil
from collections import deque
from pathlib import Path

MAX_BYTES = 10_000_000


def log_path(home: Path, part: str) -> Path:
    """Return where a part's output goes."""
    return home / "logs" / f"{part}.log"


def open_log(path: Path) -> int:
    """Open a log for a child and return the descriptor; what is written goes to its end, whoever writes."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def rotate(path: Path, *, max_bytes: int = MAX_BYTES) -> bool:
    """Move a log that has grown too long to ``<name>.1`` and empty it; return whether it was.

    It is copied and emptied, since the part keeps its descriptor: a line that is written in between is lost.
    That is the price of children that write straight to a file and so survive nothing but themselves.
    """
    if not path.exists() or path.stat().st_size < max_bytes:
        return False
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True


def last_lines(path: Path, count: int = 15) -> list[str]:
    """Return the end of a log, without empty lines."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64_000))
        lines = (line.decode(errors="replace").rstrip() for line in file)
        return list(deque((line for line in lines if line), maxlen=count))
