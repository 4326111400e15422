"""Whom does the gate let through? Simulated pairs of models whose true difference is known."""

from benchmarks.gate.run import run

__all__ = ["run"]
