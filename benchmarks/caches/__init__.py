"""What reading leads costs, and what of it the caches save."""

from benchmarks.caches.run import run

__all__ = ["run"]
