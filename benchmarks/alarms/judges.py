"""Two judges of the same columns: for each a suspicion, the higher the more, and whether it is an alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from estate.core.frame import Column, Numbers
from monitoring.drift import ALARM_RATE, judge_column
from monitoring.evidently_run import default_verdicts
from monitoring.holm import holm
from monitoring.null_distribution import NullDistribution

Columns = Mapping[str, Column]
Suspicions = dict[str, float]


class Leadloop:
    """The watch, as `monitoring.drift.find_shifts` judges: its suspicion is the p-value, turned around."""

    name = "leadloop"

    def __init__(self, columns: int, seed: int) -> None:
        self._null = NullDistribution(ALARM_RATE, columns, seed)
        self._floored: dict[float, float] = {}

    def suspect(self, before: Columns, now: Columns) -> Suspicions:
        """Judge columns by themselves."""
        found = {}
        for name, values in before.items():
            judged = judge_column(self._null, name, values, now[name])
            found[name] = -float(np.log10(judged.judgement.p_value))
            self._floored[found[name]] = judged.p_value
        return found

    def alarms(self, suspicions: Suspicions) -> int:
        """Return how many columns of a pass are alarms as the watch is delivered."""
        return sum(stands for stands, _ in holm([self._floored[s] for s in suspicions.values()], ALARM_RATE))


class Evidently:
    """Evidently's default preset: its suspicion is the score over the threshold (or the other way round)."""

    name = "evidently"

    def suspect(self, before: Columns, now: Columns) -> Suspicions:
        """Judge columns by themselves, with the tests that the preset chooses."""
        return {name: verdict.excess for name, verdict in default_verdicts(before, now).items()}

    def alarms(self, suspicions: Suspicions) -> int:
        """Return how many columns are at or beyond their threshold."""
        return sum(value >= 1.0 for value in suspicions.values())


Judge = Leadloop | Evidently
JUDGES: tuple[Callable[[int, int], Judge], ...] = (Leadloop, lambda _columns, _seed: Evidently())


def threshold_of(quiet: Numbers, rate: float) -> float:
    """Return the suspicion above which at most a share ``rate`` of the quiet passes lie."""
    allowed = int(rate * len(quiet))
    return float(np.sort(quiet)[::-1][allowed])
