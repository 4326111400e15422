"""Takes questions to what answers them: at once where that is quicker, else through the model's lane."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic

from serving.lanes.lane import MOST_WAITING_ROWS, Lane, too_late
from serving.lanes.pace import Spent
from serving.lanes.question import Question
from serving.metrics import Metrics
from serving.prediction_log import AnsweredRows
from serving.scoring import Keep, score

_AT_ONCE_ROWS = 64


class Desk:
    """The lanes of all models.

    Parameters
    ----------
    keep : callable
        Takes every answer before it is given.
    metrics : Metrics
    most_rows : int
        Rows that may wait for one model.
    """

    def __init__(self, keep: Keep, metrics: Metrics, *, most_rows: int = MOST_WAITING_ROWS) -> None:
        self.keep = keep
        self._metrics, self._most_rows = metrics, most_rows
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()

    def lane(self, model: str) -> Lane:
        """Return a model's lane."""
        found = self._lanes.get(model)
        if found is None:
            with self._lock:
                made = Lane(model, self.keep, self._metrics, most_rows=self._most_rows)
                found = self._lanes.setdefault(model, made)
        return found

    async def ask(self, question: Question) -> AnsweredRows:
        """Answer a question.

        Raises
        ------
        Overloaded, TooLate
            If it can't be answered in its time.
        LeadloopError
            Whatever its features or its model raise.
        """
        lane = self.lane(question.served.spec.name)
        if question.rows <= _AT_ONCE_ROWS and lane.is_free_and_quick(question.answering):
            return self._answer(lane, question)
        answer = asyncio.wrap_future(lane.ask(question))
        try:
            return await asyncio.wait_for(answer, max(0.0, question.deadline - monotonic()))
        except TimeoutError:
            self._metrics.shed.labels(lane.model, "too_late").inc()
            raise too_late(lane.model) from None

    def close(self) -> None:
        """Answer all that waits, then end the lanes."""
        for lane in list(self._lanes.values()):
            lane.close()

    def _answer(self, lane: Lane, question: Question) -> AnsweredRows:
        began = Spent.now()
        features = question.features()
        answered = score(question.served, question.answering, features, question.entities)
        lane.pace.note(question.rows, began.until_now())
        self.keep(answered)
        return answered
