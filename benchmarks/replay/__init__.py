"""Real drift: the same calls, replayed in order of time, with three ways of retraining."""

from benchmarks.replay.run import run

__all__ = ["run"]
