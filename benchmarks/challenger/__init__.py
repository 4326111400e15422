"""``python -m benchmarks challenger``: from the first drifted lead to a gated challenger in staging."""

from benchmarks.challenger.run import run as run

__all__ = ["run"]
