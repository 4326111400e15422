"""Who waits for a model, in the order in which they are served."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic

from estate.core.errors import LeadloopError
from serving.lanes.question import Priority, Question
from serving.metrics import Metrics
from serving.prediction_log import AnsweredRows
from serving.scoring import PIECE_ROWS


class Overloaded(LeadloopError):
    """More is asked than can be answered in time; ``retry_seconds`` says when to come again."""

    retry_seconds: int = 1


@dataclass(order=True)
class Waiting:
    """A question in the line: people before bulk, then whoever came first."""

    priority: Priority
    place: int
    question: Question = field(compare=False)
    answer: Future[AnsweredRows] = field(compare=False, default_factory=Future)
    since: float = field(compare=False, default_factory=monotonic)


class Line:
    """A bounded line; not safe to share between threads by itself.

    Parameters
    ----------
    model : str
    seconds_of : callable
        Says about how long so many rows take.
    metrics : Metrics
    most_rows : int
        Rows that may wait; bulk may fill half of it.
    """

    def __init__(
        self, model: str, seconds_of: Callable[[int], float], metrics: Metrics, most_rows: int
    ) -> None:
        self.rows = self._people = 0
        self._model, self._seconds_of = model, seconds_of
        self._metrics, self._most_rows = metrics, most_rows
        self._heap: list[Waiting] = []
        self._places = 0

    def __len__(self) -> int:
        return len(self._heap)

    def join(self, question: Question) -> Future[AnsweredRows]:
        """Take a question in; its rows count until :meth:`leave`.

        Raises
        ------
        Overloaded
            If there is no room, or its time would be over before its turn. An empty line takes anything.
        """
        self._refuse_if_hopeless(question)
        self._places += 1
        waiting = Waiting(question.priority, self._places, question)
        heapq.heappush(self._heap, waiting)
        self._count(question, question.rows)
        return waiting.answer

    def leave(self, batch: Iterable[Waiting]) -> None:
        """Count the rows of questions that are answered no longer."""
        for waiting in batch:
            self._count(waiting.question, -waiting.question.rows)

    def next_batch(self) -> list[Waiting]:
        """Take the first question out, and those behind it that are scored in the same call."""
        batch = [heapq.heappop(self._heap)]
        rows = batch[0].question.rows
        while self._heap and _together(batch[0].question, self._heap[0].question):
            rows += self._heap[0].question.rows
            if rows > PIECE_ROWS:
                break
            batch.append(heapq.heappop(self._heap))
        return batch

    def small_people(self) -> list[Waiting]:
        """Take out the questions that go between two pieces of a large one: of people, and small."""
        if not self._heap or not _small(self._heap[0]):
            return []
        return self.next_batch()

    def _refuse_if_hopeless(self, question: Question) -> None:
        if not self.rows:
            return
        wait = self._seconds_of(self._ahead_of(question))
        if not self._has_room_for(question):
            reason, got = "queue_full", f"{self.rows:,} rows that wait already"
        elif monotonic() + wait > question.deadline:
            reason, got = "deadline", f"a queue of about {wait:.1f} s"
        else:
            return
        self._metrics.shed.labels(self._model, reason).inc()
        error = Overloaded(
            f"model `{self._model}`", expected="room for this request", got=got, todo="Try again soon."
        )
        error.retry_seconds = max(1, math.ceil(wait))
        raise error

    def _ahead_of(self, question: Question) -> int:
        """Return the rows before a question: a small one of a person waits for one piece of bulk at most."""
        if question.priority is Priority.BULK or question.rows > PIECE_ROWS:
            return self.rows
        return self._people + min(self.rows - self._people, PIECE_ROWS)

    def _has_room_for(self, question: Question) -> bool:
        half = self._most_rows // 2
        if question.priority is Priority.BULK:
            return self.rows + question.rows <= half
        bulk = min(self.rows - self._people, half)  # an empty line may have taken more than that
        return self._people + bulk + question.rows <= self._most_rows

    def _count(self, question: Question, rows: int) -> None:
        self.rows += rows
        if question.priority is Priority.INTERACTIVE:
            self._people += rows
        self._metrics.queue_rows.labels(self._model).set(self.rows)


def _together(first: Question, other: Question) -> bool:
    return first.answering is other.answering and other.rows <= PIECE_ROWS


def _small(waiting: Waiting) -> bool:
    return waiting.priority is Priority.INTERACTIVE and waiting.question.rows <= PIECE_ROWS
