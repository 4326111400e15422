"""Answers without any model, which a model has to be better than."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.replay.calls import Calls, Step
from estate.core.frame import Numbers

LATEST = 1000


def latest_rate(calls: Calls, steps: Sequence[Step]) -> Numbers:
    """Return, for every replayed call, the share of sales among the latest that were known at its step."""
    rates = [calls.data.y[max(0, step.start - LATEST) : step.start].mean() for step in steps]
    return np.repeat(np.array(rates), [step.stop - step.start for step in steps])


def hindsight_rate(y: Numbers) -> Numbers:
    """Return the one constant that is best afterwards: the share of sales among the replayed calls."""
    return np.full(len(y), y.mean())
