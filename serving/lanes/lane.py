"""One model's queue, with a thread that works it off: a slow model keeps nobody else waiting.

People go before bulk: a large request is scored in pieces, and whoever came meanwhile goes between two of
them. Small requests that wait together are scored together. What can't be answered in time is turned away
when it comes, not when its time is over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic

from estate.core.errors import LeadloopError
from estate.core.frame import Frame
from serving.answering import Answering
from serving.lanes.line import Line, Overloaded, Waiting
from serving.lanes.pace import Pace, Spent
from serving.lanes.question import Question
from serving.metrics import Metrics
from serving.prediction_log import AnsweredRows
from serving.scoring import PIECE_ROWS, Keep, joined, part_of, score, score_in_pieces

logger = logging.getLogger(__name__)

MOST_WAITING_ROWS = 20_000


class TooLate(LeadloopError):
    """The answer was not there when the time that the caller gave was over."""


class Lane:
    """Answers the questions to one model, one batch after the other.

    Parameters
    ----------
    model : str
    keep : callable
        Takes every answer before it is given.
    metrics : Metrics
    most_rows : int
        Rows that may wait; bulk may fill half of it.
    """

    def __init__(
        self, model: str, keep: Keep, metrics: Metrics, *, most_rows: int = MOST_WAITING_ROWS
    ) -> None:
        self.model, self.pace = model, Pace()
        self._paced: Answering | None = None
        self._line = Line(model, self._seconds_of, metrics, most_rows)
        self._keep, self._metrics = keep, metrics
        self._closing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def waiting_rows(self) -> int:
        """Rows that wait or are being scored."""
        return self._line.rows

    def is_free_and_quick(self, answering: Answering) -> bool:
        """Whether what answers is so quick, and nobody waits, that a thread would only cost time."""
        if answering is not self._paced:
            self._paced, self.pace = answering, Pace()
        return self.pace.quick and not self._line.rows

    def ask(self, question: Question) -> Future[AnsweredRows]:
        """Take a question in.

        Raises
        ------
        Overloaded
            If too many wait already, or it would not be answered before its deadline; or if this is closed.
        """
        with self._changed:
            if self._closing:
                raise Overloaded(
                    f"model `{self.model}`", expected="a process that goes on", got="one that ends"
                )
            answer = self._line.join(question)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"lane-{self.model}", daemon=True)
                self._thread.start()
            self._changed.notify()
        return answer

    def close(self) -> None:
        """Answer what waits, then end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _seconds_of(self, rows: int) -> float:
        return self.pace.seconds_of(rows)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._line and not self._closing:
                    self._changed.wait()
                if not self._line:
                    return
                batch = self._line.next_batch()
            self._answer(batch)

    def _answer(self, batch: Sequence[Waiting]) -> None:
        """Answer questions together; where one can't be, each by itself: its rows are its own affair."""
        wanted = [waiting for waiting in batch if self._still_wanted(waiting)]
        try:
            for waiting, answer in zip(wanted, self._answers(wanted), strict=True):
                waiting.answer.set_result(answer)
        except Exception as error:
            if len(wanted) == 1:
                wanted[0].answer.set_exception(error)
            for waiting in wanted if len(wanted) > 1 else ():
                self._answer_alone(waiting)
        finally:
            with self._changed:
                self._line.leave(batch)

    def _answer_alone(self, waiting: Waiting) -> None:
        try:
            waiting.answer.set_result(self._answers([waiting])[0])
        except Exception as error:  # whoever asked gets it, the thread lives on
            waiting.answer.set_exception(error)

    def _still_wanted(self, waiting: Waiting) -> bool:
        if not waiting.answer.set_running_or_notify_cancel():  # the caller has gone
            return False
        if monotonic() > waiting.question.deadline:
            self._metrics.shed.labels(self.model, "too_late").inc()
            waiting.answer.set_exception(too_late(self.model))
            return False
        self._metrics.queue_seconds.labels(self.model).observe(monotonic() - waiting.since)
        return True

    def _answers(self, batch: Sequence[Waiting]) -> list[AnsweredRows]:
        if not batch:
            return []
        questions = [waiting.question for waiting in batch]
        whole = self._scored(questions)
        self._keep(whole)
        if len(batch) == 1:
            return [whole]
        stops = [sum(q.rows for q in questions[: i + 1]) for i in range(len(questions))]
        return [part_of(whole, stop - q.rows, stop) for q, stop in zip(questions, stops, strict=True)]

    def _scored(self, questions: Sequence[Question]) -> AnsweredRows:
        first, began = questions[0], Spent.now()
        features = joined([question.features() for question in questions])
        entities = [entity for question in questions for entity in question.entities]
        if len(features) > PIECE_ROWS:
            return self._scored_in_pieces(first, features)
        prepared, began = began.until_now(shared_by=len(questions)), Spent.now()
        answered = score(first.served, first.answering, features, entities)
        self.pace.note(len(features), prepared, began.until_now())
        return answered

    def _scored_in_pieces(self, question: Question, features: Frame) -> AnsweredRows:
        began = Spent.now()

        def between() -> None:
            nonlocal began
            self.pace.note(PIECE_ROWS, began.until_now())
            with self._changed:
                people = self._line.small_people()
            if people:
                self._answer(people)
            if monotonic() > question.deadline:
                raise too_late(self.model)
            began = Spent.now()

        return score_in_pieces(
            question.served, question.answering, features, question.entities, between=between
        )


def too_late(model: str) -> TooLate:
    """Return the error for a question whose time is over."""
    return TooLate(
        f"model `{model}`",
        expected="an answer in the time given",
        got="none yet",
        todo="Try again, or give it more time with the header `x-timeout-ms`.",
    )
