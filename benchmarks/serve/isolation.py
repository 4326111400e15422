"""A network of the benchmark's own that has nothing but the loopback, where the system allows it.

Some servers listen on every interface, whatever they are told: here there is but one.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW_NETWORK = 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


@contextmanager
def only_loopback() -> Iterator[bool]:
    """Move this thread, and all that it starts, into such a network; yields whether that was possible.

    It takes root's rights on Linux. Afterwards the thread is back where it was.
    """
    own = Path("/proc/thread-self/ns/net")
    if not own.exists():
        yield False
        return
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open(own, os.O_RDONLY)
    try:
        possible = libc.unshare(_NEW_NETWORK) == 0
        if possible:
            _raise_loopback()
        try:
            yield possible
        finally:
            if possible:
                libc.setns(before, _NEW_NETWORK)
    finally:
        os.close(before)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(control, _GET_FLAGS, asked))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh22x", b"lo", flags | _UP))
