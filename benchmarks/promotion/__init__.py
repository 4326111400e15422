"""From a person's click to the first answer of the new version."""

from benchmarks.promotion.run import run

__all__ = ["run"]
