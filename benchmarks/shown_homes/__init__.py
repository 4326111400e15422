"""What keeping the homes that are shown costs, and how long a score of them stays true."""

from benchmarks.shown_homes.run import run

__all__ = ["run"]
