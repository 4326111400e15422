"""Becomes one part of the stack: a child that cannot outlive the supervisor.

Run by path (``python -I -S child.py PARENT SIGNAL MODE COMMAND…``) and not as a module, so that only a few
standard modules are loaded before the real program takes its place: about 15 ms.

The kernel sends SIGNAL to this process when the one that started it dies, even by ``kill -9``. That reaches
this process alone; what it starts in turn is the guard's work (see ``guard.py``).

MODE ``plain`` runs the program as it is. Mode ``unprivileged`` is for programs that refuse to run as root, as
Postgres does: for root only, the program gets a user namespace of its own, in which it is the user `nobody`
while its files stay root's. No system user is made, no folder of anybody is opened to others. Where the
kernel or the container forbids that, it runs as the real user `nobody`, who must then be able to reach its
files.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def main(arguments: list[str]) -> None:
    """Prepare this process, then replace it by the command."""
    parent, death_signal, mode, *command = arguments
    # A shell starts background jobs with SIGINT ignored; programs that stop on SIGINT would never stop.
    for ignored in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)
    if mode == "unprivileged" and os.geteuid() == 0:
        _leave_root()
    # After the change of user: changing it clears the death signal.
    _die_with_parent(int(parent), int(death_signal))
    try:
        os.execvp(command[0], command)  # noqa: S606 - this is what the module is for
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _leave_root() -> None:
    # Maps this process's user, which is root, to nobody inside the namespace.
    if sys.platform == "linux" and ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} 0 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} 0 1")
        return
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _die_with_parent(parent: int, death_signal: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the line above
        sys.exit("the supervisor is gone")


if __name__ == "__main__":
    main(sys.argv[1:])
