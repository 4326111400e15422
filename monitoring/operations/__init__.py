"""How serving does: slow, failing, on its rules, turning callers away, behind with its log; or away."""

from monitoring.operations.limits import Limits
from monitoring.operations.look import Operations, judge_operations, look_at_operations

__all__ = ["Limits", "Operations", "judge_operations", "look_at_operations"]
