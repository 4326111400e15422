"""One platform with one model: trains, promotes and answers as of a pretended present."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from estate.core.clock import pretend
from estate.core.errors import LeadloopError, TrainingError
from estate.core.evidence import Evidence
from estate.core.frame import Numbers
from estate.core.prediction import Prediction
from estate.store import evidence, predictions
from rehearsal.recording import Recording, Step, moment_of

if TYPE_CHECKING:
    from serving.models import ServedModel
    from tasks.platform import Platform

WHO = "rehearsal: whatever passed its gate"


@dataclass(frozen=True)
class Training:
    """One training.

    Parameters
    ----------
    row : int
        How many replayed rows were answered before it.
    moment : datetime
    passed : bool
        Whether the gate let its version through.
    version : str or None
        None where nothing could be learned.
    why : str
        The gate's reason, or the error's.
    """

    row: int
    moment: datetime
    passed: bool
    version: str | None = None
    why: str = ""


class Desk:
    """The platform that the settings name, with what was done on it so far."""

    def __init__(self, recording: Recording) -> None:
        from tasks.platform import open_platform

        self.recording = recording
        self.model = recording.spec.name
        self.platform: Platform = open_platform()
        self.trainings: list[Training] = []
        self.decisions: Counter[str] = Counter()
        self._served: ServedModel | None = None

    def train(self, start: int, moment: datetime, run: Callable[[], str]) -> Training | None:
        """Run a training before row ``start`` is answered; promote its version if it passed the gate.

        Returns None where the run made no version and nothing was wrong with it: it had to wait.
        """
        row = start - self.recording.first
        try:
            with pretend(moment):
                version = run()
        except TrainingError as error:  # too few outcomes to judge anything: refused as well
            return self._done(Training(row, moment, False, why=str(error)))
        found = self._evidence(version)
        if found is None:
            return None
        refused = "; ".join(f"{rule.code}: {rule.sentence}" for rule in found.refusals())
        if found.verdict:
            self.promote(version, moment)
        return self._done(Training(row, moment, found.verdict, version, refused))

    def _done(self, training: Training) -> Training:
        self.trainings.append(training)
        return training

    def _evidence(self, version: str) -> Evidence | None:
        with self.platform.database.begin() as connection:
            return evidence.load(connection, self.model, version)

    def promote(self, version: str, moment: datetime) -> None:
        """Take a version into production, as a person would: through the registry and the ledger."""
        from model_registry import promote

        with pretend(moment):
            promote(
                self.platform.registry, self.platform.database, self.model, version, who=WHO, why="rehearsed"
            )
        self._served = None

    def answer(self, step: Step) -> Numbers:
        """Answer the rows of a step with the version in production, and keep the predictions."""
        from serving.prediction_log import AnsweredRows
        from serving.predictors import sign
        from serving.production import answering_of, production_model

        if self._served is None:
            self._served = production_model(self.platform.settings, self.platform.database, self.model)
        predictor = answering_of(self._served).predictor
        rows = self.recording.data.take(np.arange(step.start, step.stop))
        scores = sign(predictor.predict_many(rows.features), predictor)
        answered = AnsweredRows(
            self.model,
            [str(uuid4()) for _ in range(len(rows))],
            rows.entities.tolist(),
            rows.features,
            scores,
            self._served.fingerprint,
            step.moment,
        )
        moments = [moment_of(int(at)) for at in rows.times]
        kept = [replace(row, at=at) for row, at in zip(answered.predictions(), moments, strict=True)]
        self.keep(kept)
        return scores.score

    def keep(self, answers: Sequence[Prediction]) -> None:
        """Keep predictions."""
        with self.platform.database.begin() as connection:
            predictions.write_many(connection, answers)


def train_first(recording: Recording) -> None:
    """Train on the first part and promote that version.

    Raises
    ------
    LeadloopError
        If the gate refuses it.
    """
    from flows.retrain import retrain

    desk = Desk(recording)
    begin = recording.begin
    made = desk.train(recording.first, begin, lambda: retrain(desk.model, as_of=begin))
    if made is None or not made.passed:
        raise LeadloopError(
            f"first version of `{desk.model}`",
            expected="one that passes its gate",
            got=made.why if made else "no version",
            todo="Begin with a longer first part.",
        )
