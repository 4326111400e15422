"""How good the version in production is: from outcomes as they ripen, and from its scores before they do."""

from monitoring.quality.judge import QualitySeen, judge_quality

__all__ = ["QualitySeen", "judge_quality"]
