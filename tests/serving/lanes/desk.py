"""A lane with a model that does as it is told, and counts its calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores
from serving.answering import Answering
from serving.lanes import Priority, Question
from serving.lanes.lane import Lane
from serving.metrics import Metrics
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows


@dataclass
class Told:
    """Scores rows by their number of rooms; from the first call on it waits for ``go_on``."""

    version: str = "1"
    answered_by: AnsweredBy = AnsweredBy.MODEL
    calls: list[list[float]] = field(default_factory=list)
    called: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    after: Callable[[int], None] = lambda calls: None

    def predict_many(self, features: Frame) -> Scores:
        self.calls.append(features["rooms"].tolist())
        self.called.set()
        assert self.go_on.wait(30)
        self.after(len(self.calls))
        if (features["rooms"] < 0).any():
            raise DataError("rooms", expected="0 or more", got="less")
        return Scores(features["rooms"] / 1000)


@dataclass
class Desk:
    """One lane, and questions to its model."""

    spec: Any
    model: Told = field(default_factory=Told)
    metrics: Metrics = field(default_factory=Metrics)
    kept: list[AnsweredRows] = field(default_factory=list)
    most_rows: int = 20_000

    def __post_init__(self) -> None:
        self.lane = Lane("sale", self.kept.append, self.metrics, most_rows=self.most_rows)
        self.served = ServedModel(self.spec, "fingerprint", Answering(predictor=self.model))

    def question(self, *rooms: float, **changed: Any) -> Question:
        """Return a question of so many rows."""
        answering = self.served.answering
        assert answering is not None
        entities = [f"case-{room:g}" for room in rooms]
        features = lambda: Frame.of({"rooms": list(map(float, rooms))})  # noqa: E731
        return Question(
            served=self.served,
            answering=changed.pop("answering", answering),
            features=changed.pop("features", features),
            entities=entities,
            **changed,
        )

    def ask(self, *rooms: float, **changed: Any) -> Future[AnsweredRows]:
        return self.lane.ask(self.question(*rooms, **changed))

    def bulk(self, *rooms: float) -> Future[AnsweredRows]:
        return self.ask(*rooms, priority=Priority.BULK)

    def occupy(self) -> Future[AnsweredRows]:
        """Have the model's thread wait inside a call, so that whatever comes then waits in the line."""
        first = self.ask(0)
        assert self.model.called.wait(30)
        return first

    def shed(self, reason: str) -> float:
        value: float = self.metrics.shed.labels("sale", reason)._value.get()
        return value


def scores(answer: Future[AnsweredRows]) -> list[float]:
    """Return an answer's scores as the rooms that they were made of."""
    made: list[float] = np.round(answer.result(30).scores.score * 1000, 6).tolist()
    return made
