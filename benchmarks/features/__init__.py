"""A hundred features as of each lead's own moment, beside DuckDB and Polars; a few beside Feast; one lead."""

from benchmarks.features.run import run

__all__ = ["run"]
