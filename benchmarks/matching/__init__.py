"""Which home a lead looks at next, and which a guest stays at next."""

from benchmarks.matching.run import run

__all__ = ["run"]
