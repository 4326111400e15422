"""Who would earn a place in the vote of lead_conversion: its members, and others that were tried."""

from benchmarks.members.run import run

__all__ = ["run"]
