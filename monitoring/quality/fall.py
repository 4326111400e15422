"""Did the skill fall: beyond chance, and to less than a stated part of what it was."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

from monitoring.quality.skill import Skill

ALARM_RATE = 0.01
"""Chance that one comparison says "fell" while nothing has changed."""
POWER = 0.8
_Z_ALARM, _Z_POWER, _Z_INTERVAL = 2.326, 0.842, 1.645


@dataclass(frozen=True)
class Fall:
    """A skill of now beside one of before.

    Parameters
    ----------
    now, before : Skill
    least : float
        What must be kept, as a part of the skill before; in (0, 1).
    noise : float, optional
        Standard error of the skill before. None: that of now, for the rows of before. Under "nothing has
        changed" both are of one kind, and the interval of a loss in the evidence moves with the share of
        positives, which the skill does not.
    """

    now: Skill
    before: Skill
    least: float
    noise: float | None = None

    @property
    def kept(self) -> float:
        """The skill of now as a part of the one before."""
        return self.now.value / self.before.value

    @property
    def error(self) -> float:
        """Standard error of the difference."""
        return sqrt(self.now.error**2 + self._before_error**2)

    @property
    def _before_error(self) -> float:
        if self.noise is not None:
            return self.noise
        return self.now.error * sqrt(self.now.rows / max(self.before.rows, 1))

    @property
    def happened(self) -> bool:
        """Whether it fell: both beyond chance and below ``least``."""
        return self.kept < self.least and self.before.value - self.now.value > _Z_ALARM * self.error

    @property
    def visible(self) -> float:
        """The smallest part of the skill whose loss these rows show in 80 of 100 cases."""
        return (_Z_ALARM + _Z_POWER) * self.error / self.before.value

    @property
    def rows_needed(self) -> float:
        """Rows that show a loss of ``1 - least`` in 80 of 100 cases; infinite if the holdout is too small."""
        wanted = ((1.0 - self.least) * self.before.value / (_Z_ALARM + _Z_POWER)) ** 2
        left = wanted - self._before_error**2
        return self.now.error**2 * self.now.rows / left if left > 0 else inf

    @property
    def interval(self) -> tuple[float, float]:
        """90 % interval of the skill of now."""
        half = _Z_INTERVAL * self.now.error
        return self.now.value - half, self.now.value + half
