"""Real drift, rehearsed: the platform beside never, weekly and always retraining."""

from benchmarks.rehearsal.run import run

__all__ = ["run"]
