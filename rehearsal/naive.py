"""What everybody does: train on a fixed rhythm and use whatever comes out.

The training code is the platform's own (split, fit, calibration); there is no watch, governor or gate, and
nothing is registered, so it costs little to compare with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np

from estate.core.errors import TrainingError
from estate.core.frame import Numbers
from estate.training.fit import Trained, fit
from estate.training.split import split_by_time
from rehearsal.desk import Training
from rehearsal.events import Replayed
from rehearsal.recording import Recording, Step


def retrain_every(
    recording: Recording, steps: Sequence[Step], *, name: str, days: float | None, say: Callable[[str], None]
) -> Replayed:
    """Answer all steps, training anew after so many days; never after the first time if None.

    Parameters
    ----------
    recording : Recording
    steps : sequence of Step
    name : str
    days : float or None
        0: at every step.
    say : callable
        Told of each tenth of the way.
    """
    began = time.perf_counter()
    trained = _trained(recording, steps[0])
    assert trained is not None, "the first version of the platform was trained on these rows"
    at, trainings, answers = steps[0].moment, [], []
    for place, step in enumerate(steps):
        due = days is not None and place > 0 and step.moment - at >= timedelta(days=days)
        if due:
            at, fresh = step.moment, _trained(recording, step)
            trainings.append(Training(step.start - recording.first, step.moment, fresh is not None))
            trained = fresh or trained
        answers.append(_answer(trained, recording, step))
        if place % max(1, len(steps) // 10) == 0:
            say(f"{name}: {step.moment:%Y-%m-%d}, {len(trainings)} trainings")
    return Replayed(name, np.concatenate(answers), tuple(trainings), (), time.perf_counter() - began)


def _trained(recording: Recording, step: Step) -> Trained | None:
    try:
        return fit(recording.spec, split_by_time(recording.spec, recording.known_at(step.moment)))
    except TrainingError:  # a part lacks a class: the old one stays
        return None


def _answer(trained: Trained, recording: Recording, step: Step) -> Numbers:
    rows = recording.data.features.take(np.arange(step.start, step.stop))
    return trained.predict_matrix(trained.encoder.matrix(rows)).score
