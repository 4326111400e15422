"""Quality before labels are known: what scores alone let expect, beside NannyML's estimate and the truth."""

from benchmarks.estimates.run import run

__all__ = ["run"]
