"""What an answer about a lead costs under load: features from the store, interval, reasons."""

from benchmarks.leads_load.run import run

__all__ = ["run"]
