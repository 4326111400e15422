"""Three ways of retraining, each through the platform's own flows, on simulated time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from benchmarks.replay.calls import MODEL, Calls, Step, moment_of
from estate.core.errors import LeadloopError, TrainingError
from estate.core.evidence import Evidence
from estate.core.frame import Numbers
from estate.store import evidence, predictions
from estate.store.training_claims import claim_waiting

if TYPE_CHECKING:
    from serving.models import ServedModel
    from tasks.platform import Platform

WINDOW = 500
"""Predictions that a pass of the watch looks at, at most; the flow's own default."""
WHO = "benchmark policy: automatic"


@dataclass(frozen=True)
class Training:
    """One training: after how many replayed calls, when, and whether the gate let its version through."""

    row: int
    moment: datetime
    passed: bool


@dataclass(frozen=True)
class Replayed:
    """What one strategy did.

    Parameters
    ----------
    name : str
    p : float64 array of shape (replayed calls,)
        Each answered by the version in production when the call was made.
    trainings : tuple of Training
    decisions : Counter
        Passes of the watch by what they decided.
    seconds : float
        Wall time.
    """

    name: str
    p: Numbers
    trainings: tuple[Training, ...]
    decisions: Counter[str]
    seconds: float


Act = Callable[["Desk", Step], None]
"""What a strategy does at a moment, before the next calls are answered."""


class Desk:
    """One platform with the calls of one strategy: trains, promotes, answers."""

    def __init__(self, calls: Calls) -> None:
        from tasks.platform import open_platform

        self.calls = calls
        self.platform: Platform = open_platform()
        self.trainings: list[Training] = []
        self.decisions: Counter[str] = Counter()
        self.month = _month(calls.begin)
        self._served: ServedModel | None = None

    def train(self, start: int, moment: datetime, run: Callable[[], str]) -> None:
        """Run a training before row ``start`` is answered; promote its version if it passed the gate."""
        row = start - self.calls.first
        try:
            version = run()
        except TrainingError:  # too few sales among the newest calls to judge anything: refused as well
            self.trainings.append(Training(row, moment, False))
            return
        passed = self.evidence_of(version).verdict
        self.trainings.append(Training(row, moment, passed))
        if passed:
            self.promote(version)

    def evidence_of(self, version: str) -> Evidence:
        """Return what the gate found of a version."""
        with self.platform.database.begin() as connection:
            found = evidence.load(connection, MODEL, version)
        assert found is not None, "a registered version has evidence"
        return found

    def promote(self, version: str) -> None:
        """Take a version into production, as a person would: through the registry and the ledger."""
        from model_registry import promote

        why = "passed its gate"
        promote(self.platform.registry, self.platform.database, MODEL, version, who=WHO, why=why)
        self._served = None

    def answer(self, step: Step) -> Numbers:
        """Answer the calls of a step with the version in production, and keep the predictions."""
        from serving.prediction_log import AnsweredRows
        from serving.predictors import sign
        from serving.production import answering_of, production_model

        if self._served is None:
            self._served = production_model(self.platform.settings, self.platform.database, MODEL)
        predictor = answering_of(self._served).predictor
        rows = self.calls.data.take(np.arange(step.start, step.stop))
        scores = sign(predictor.predict_many(rows.features), predictor)
        ids = [str(uuid4()) for _ in range(len(rows))]
        answered = AnsweredRows(
            MODEL, ids, rows.entities.tolist(), rows.features, scores, self._served.fingerprint, step.moment
        )
        moments = [moment_of(int(at)) for at in rows.times]
        kept = [replace(row, at=at) for row, at in zip(answered.predictions(), moments, strict=True)]
        with self.platform.database.begin() as connection:
            predictions.write_many(connection, kept)
        return scores.score


def never(desk: Desk, step: Step) -> None:
    """Keep the first version."""


def monthly(desk: Desk, step: Step) -> None:
    """Train at the first step of each month."""
    from flows.retrain import retrain

    if _month(step.moment) != desk.month:
        desk.month = _month(step.moment)
        run = partial(retrain, MODEL, cause="schedule", as_of=step.moment)
        desk.train(step.start, step.moment, run)


def on_drift(desk: Desk, step: Step) -> None:
    """Watch at every step; train on the requests that the watch has made."""
    from flows.retrain import retrain
    from flows.watch import watch

    desk.decisions[watch(MODEL, window=WINDOW, until=step.moment)[MODEL]] += 1
    with desk.platform.database.begin() as connection:
        # As the flow `dispatch` does.
        claimed = claim_waiting(connection, desk.platform.catalog.training_rules)
    for request in claimed:
        answer = partial(retrain, MODEL, cause="drift", request_id=request.request_id)
        desk.train(step.start, step.moment, answer)


def train_first(calls: Calls) -> None:
    """Train on the first part and promote that version.

    Raises
    ------
    LeadloopError
        If the gate refuses it.
    """
    from flows.retrain import retrain

    desk = Desk(calls)
    desk.train(calls.first, calls.begin, partial(retrain, MODEL, as_of=calls.begin))
    if not desk.trainings[0].passed:
        found = desk.evidence_of("1").findings
        raise LeadloopError(
            f"first version of `{MODEL}`",
            expected="one that passes its gate",
            got="; ".join(finding.sentence for finding in found if not finding.passed),
            todo="Begin with a longer first part.",
        )


def replay(name: str, act: Act, calls: Calls, steps: Sequence[Step], say: Callable[[str], None]) -> Replayed:
    """Let a strategy act and answer, week by week."""
    began, desk = time.perf_counter(), Desk(calls)
    answers: list[Numbers] = []
    for done, step in enumerate(steps, start=1):
        if step.start > calls.first:
            act(desk, step)
        answers.append(desk.answer(step))
        say(f"{name}: {step.moment:%Y-%m-%d}, step {done} of {len(steps)}, {len(desk.trainings)} trainings")
    seconds = time.perf_counter() - began
    return Replayed(name, np.concatenate(answers), tuple(desk.trainings), desk.decisions, seconds)


def _month(moment: datetime) -> tuple[int, int]:
    return moment.year, moment.month
