"""Which process is it, and is it surely gone? Told on one machine only."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def mark_of_this_process() -> str:
    """Return words that no other process of any machine has, now or later: machine, pid and start.

    Where the system has no ``/proc``, only the pid is told, of which nobody can say that it is gone.
    """
    machine, started = _machine(), _started(os.getpid())
    return f"{machine} {os.getpid()} {started}" if machine and started else f"unknown {os.getpid()} unknown"


def is_surely_gone(mark: str) -> bool:
    """Return whether the process of a mark ran on this machine and has ended.

    Examples
    --------
    >>> is_surely_gone(mark_of_this_process()), is_surely_gone("another-machine 1 7")
    (False, False)
    """
    machine, _, rest = mark.partition(" ")
    pid, _, started = rest.partition(" ")
    if machine == "unknown" or machine != _machine() or not pid.isdigit():
        return False
    return _started(int(pid)) != started


def _machine() -> str:
    """Return this boot of this machine, and this container of it."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a living process began, in ticks since the boot; empty if there is none."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    ended = fields[0] in "ZX"  # nobody has collected it yet
    return "" if ended else fields[19]
