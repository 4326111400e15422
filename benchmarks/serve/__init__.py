"""Ours beside its peers and its floors, on the same model and the same rows, in one run."""

from benchmarks.serve.run import run

__all__ = ["run"]
