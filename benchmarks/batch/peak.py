"""The most memory that this process has had."""

from __future__ import annotations

import re
import resource
from pathlib import Path


def peak_mb() -> float:
    """Return the peak of resident memory in MB.

    The kernel's count for ``getrusage`` begins with the peak of the process that started this one; that of
    ``/proc`` does not.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
