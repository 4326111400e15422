"""What the ideas of the folklore are really worth here: the claims, and the same things measured."""

from benchmarks.ideas.run import run

__all__ = ["run"]
