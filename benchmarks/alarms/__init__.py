"""How often does the watch cry wolf, and does it see the wolf?"""

from benchmarks.alarms.run import run

__all__ = ["run"]
