"""The most memory that this process has had."""

from __future__ import annotations

import resource


def peak_mb() -> float:
    """Return the peak of resident memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
