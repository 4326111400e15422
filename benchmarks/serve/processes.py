"""All processes of one server: what they take, and the certainty that none stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_KB_PER_MB = 1024


@dataclass(frozen=True)
class Memory:
    """Resident memory of several processes in MB: ``rss`` counts what they share each time, ``pss`` once."""

    rss: float
    pss: float


def family(root: int, mark: str, known: Collection[int] = ()) -> set[int]:
    """Return the live processes of a server.

    Parameters
    ----------
    root : int
        The one that was started, as the leader of a session of its own.
    mark : str
        What is in the environment of every one of them: some make a session of their own, and are orphans
        once those who started them have gone.
    known : collection of int
        Found earlier; some write over their environment, and count with their descendants while they live.
    """
    parents: dict[int, int] = {}
    found = set()
    for pid, parent, session in _stats():
        parents[pid] = parent
        if pid in known or root in (pid, session) or mark.encode() in _read(pid, "environ"):
            found.add(pid)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {os.getpid()}


def cpu_seconds(pids: Collection[int]) -> float:
    """Return what processes have taken of the processors so far."""
    total = 0
    for pid in pids:
        fields = _read(pid, "stat").rpartition(b")")[2].split()
        total += int(fields[11]) + int(fields[12]) if fields else 0
    return total / _TICKS


def memory(pids: Collection[int]) -> Memory:
    """Return what processes hold now."""
    rss = pss = 0
    for pid in pids:
        for line in _read(pid, "smaps_rollup").splitlines():
            name, _, rest = line.partition(b":")
            if name == b"Rss":
                rss += int(rest.split()[0])
            elif name == b"Pss":
                pss += int(rest.split()[0])
    return Memory(rss / _KB_PER_MB, pss / _KB_PER_MB)


def end(
    process: subprocess.Popen[bytes], mark: str, known: Collection[int] = (), *, grace_seconds: float = 10.0
) -> None:
    """Ask a server to stop, and kill what of it still lives after a while."""
    seen = family(process.pid, mark, known)
    _send(seen & {process.pid}, signal.SIGTERM)
    until = time.monotonic() + grace_seconds
    while time.monotonic() < until and (seen := family(process.pid, mark, seen)):
        process.poll()
        time.sleep(0.05)
    for _ in range(20):  # one that is being started as the others are killed
        if not (seen := family(process.pid, mark, seen)):
            break
        _send(seen, signal.SIGKILL)
        process.poll()
        time.sleep(0.05)
    process.wait()


def _send(pids: Collection[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _stats() -> Iterator[tuple[int, int, int]]:
    """Yield pid, parent and session of every process but the dead that nobody waited for."""
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        fields = _read(int(entry.name), "stat").rpartition(b")")[2].split()
        if fields and fields[0] not in (b"Z", b"X"):
            yield int(entry.name), int(fields[1]), int(fields[3])


def _read(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:  # it ended meanwhile
        return b""
