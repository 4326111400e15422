"""The order and the pace of a lead's events, as numbers: how much of each kind still echoes.

Each event counts 1 when it happens and half as much after each half-life. With several half-lives these sums
tell what came when: two replies of today, or one a day ago and one six days ago. They are the intensities of
a point process that excites itself, before its weights are learned.

References
----------
Hawkes (1971), "Spectra of some self-exciting and mutually exciting point processes", Biometrika 58.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from estate.core.feature_set import FeatureFunction
from estate.core.frame import Numbers
from estate.features.events import DAY_US
from estate.features.histories import Histories

KINDS = ("visit", "email_open", "email_click", "reply", "call", "tour", "listing_view", "listing_save")
DIRECTIONS = ("in", "out")
HALF_LIVES_DAYS = (0.25, 1.0, 3.0)


def echoes() -> Iterator[FeatureFunction]:
    """Yield one feature for each kind of interaction, each direction of messages, and each half-life."""
    for days in HALF_LIVES_DAYS:
        for kind in KINDS:
            yield _echo("interactions", "kind", kind, days)
        for direction in DIRECTIONS:
            yield _echo("messages", "direction", direction, days)


def _echo(events: str, column: str, value: str, half_life_days: float) -> FeatureFunction:
    def echo(histories: Histories) -> Numbers:
        of_lead = getattr(histories, events)
        left = np.exp2(-of_lead.age / (half_life_days * DAY_US))
        total: Numbers = of_lead.total(left, of_lead.is_(column, value))
        return total

    echo.__name__ = f"{value}_{column}_echo_{half_life_days:g}d"
    return echo
