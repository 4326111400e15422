"""``python -m benchmarks lead_models``: the models beside the known truth and beside others."""

from benchmarks.lead_models.run import run as run

__all__ = ["run"]
