"""What scoring a large table costs beside the model itself."""

from benchmarks.batch.run import run

__all__ = ["run"]
