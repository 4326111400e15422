"""A rehearsal from end to end: first version, the platform, the naive ways, one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.metrics import METRICS
from rehearsal.desk import train_first
from rehearsal.events import Replayed
from rehearsal.naive import retrain_every
from rehearsal.platform import run_platform
from rehearsal.recording import Recording, Step

NAIVE: Mapping[str, float | None] = {"never": None, "weekly": 7.0, "always": 0.0}
"""Days between trainings of the ways that the platform is compared with."""


@dataclass(frozen=True)
class Plan:
    """How to rehearse.

    Parameters
    ----------
    window : int
        Predictions that a pass of the watch looks at, at most.
    schedule_days : float or None
        Requests of the schedule, besides the watch's.
    most_steps : int or None
        Only so many steps.
    naive : mapping of str to float or None
        Names and days of the ways to compare with.
    """

    window: int = 500
    schedule_days: float | None = None
    most_steps: int | None = None
    naive: Mapping[str, float | None] = field(default_factory=lambda: dict(NAIVE))


@dataclass(frozen=True)
class Rehearsal:
    """What came of it.

    Parameters
    ----------
    recording : Recording
    steps : tuple of Step
    replayed : tuple of Replayed
        The platform first.
    """

    recording: Recording
    steps: tuple[Step, ...]
    replayed: tuple[Replayed, ...]

    @property
    def y(self) -> Numbers:
        """Outcomes of the replayed rows."""
        return self.recording.data.y[self.steps[0].start : self.steps[-1].stop]

    @property
    def times(self) -> NDArray[np.int64]:
        """Microseconds since 1970 of the replayed rows."""
        return self.recording.data.times[self.steps[0].start : self.steps[-1].stop]

    def rows(self) -> list[dict[str, object]]:
        """Return one row a way of retraining: every metric of the task, and what it took."""
        return [self._row(one) for one in self.replayed]

    def _row(self, one: Replayed) -> dict[str, object]:
        scores = Scores(one.p)
        metrics = {
            metric.name: round(metric.function(self.y, scores), 5)
            for metric in METRICS[self.recording.spec.task]
        }
        kinds = [event.kind for event in one.events]
        counts: dict[str, object] = {
            "trainings": len(one.trainings),
            "in_use": sum(training.passed for training in one.trainings),
            "alarms": kinds.count("alarm"),
            "seconds": round(one.seconds),
        }
        return {"retrained": one.name, **metrics, **counts}


def rehearse(recording: Recording, plan: Plan, *, say: Callable[[str], None]) -> Rehearsal:
    """Rehearse on the platform that the settings name, which holds what the model's source reads.

    Parameters
    ----------
    recording : Recording
        Of a binary or a regression model.
    plan : Plan
    say : callable
        Told of the progress.

    Raises
    ------
    LeadloopError
        If the first version does not pass its gate.
    """
    assert recording.spec.task is not Task.MULTICLASS, "asked before"
    steps = tuple(islice(recording.steps(), plan.most_steps))
    say(f"first version, from {recording.first:,} rows until {recording.begin:%Y-%m-%d}")
    train_first(recording)
    ours = run_platform(recording, steps, window=plan.window, schedule_days=plan.schedule_days, say=say)
    return Rehearsal(recording, steps, (ours, *_naive(recording, steps, plan, say)))


def _naive(
    recording: Recording, steps: Sequence[Step], plan: Plan, say: Callable[[str], None]
) -> list[Replayed]:
    return [
        retrain_every(recording, steps, name=name, days=days, say=say) for name, days in plan.naive.items()
    ]
