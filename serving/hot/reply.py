"""The answers to small requests as bytes, and what is counted of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

import msgspec
from prometheus_client import Counter

from serving.answering import Answering
from serving.bulk_histogram import BulkHistogram
from serving.metrics import Metrics
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows
from serving.qualities import Find
from serving.response import answers_of, response_of

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"


class Reply:
    """Writes answers and counts them.

    Parameters
    ----------
    metrics : Metrics
    versions_of : callable
        Returns what finds a version of a model.
    """

    def __init__(self, metrics: Metrics, versions_of: Callable[[str], Find]) -> None:
        self._metrics, self._versions_of = metrics, versions_of
        self._encode = msgspec.json.Encoder().encode
        self._children: dict[tuple[str, str, str], tuple[Counter, BulkHistogram, BulkHistogram]] = {}

    def parts(
        self, served: ServedModel, answering: Answering, answered: AnsweredRows, rows: Sequence[int]
    ) -> Iterator[tuple[bytes, bytes]]:
        """Return head (without its end) and body of each answer.

        Parameters
        ----------
        rows : sequence of int
            How many rows each request had, in their order.
        """
        answers, start = answers_of(served, answering, answered, self._versions_of(answered.model)), 0
        for count in rows:
            some = answers if len(rows) == 1 else answers[start : start + count]
            body = self._encode(response_of(answered, some))
            yield self.head(body), body
            start += count

    def head(self, body: bytes) -> bytes:
        """Return the head of an answer, without its end."""
        return _HEAD % len(body)

    def count_one(self, origin: tuple[str, str, str], since: float) -> None:
        """Count a request that came then and was answered just now, by model, version and source."""
        requests, seconds, _ = self._series(origin)
        requests.inc()
        seconds.observe(perf_counter() - since)

    def count(self, answered: AnsweredRows, since: Sequence[float]) -> None:
        """Count requests that came then and were answered just now."""
        scores = answered.scores
        requests, seconds, batch = self._series((answered.model, scores.version, scores.answered_by.value))
        requests.inc(len(since))
        batch.observe(len(answered.ids))
        now = perf_counter()
        seconds.observe_many([now - began for began in since])

    def _series(self, origin: tuple[str, str, str]) -> tuple[Counter, BulkHistogram, BulkHistogram]:
        """Return what is counted; finding a series costs several times what counting does."""
        if (children := self._children.get(origin)) is None:
            children = self._children[origin] = (
                self._metrics.requests.labels("predict", origin[0], "200"),
                self._metrics.request_seconds.labels(*origin),
                self._metrics.batch_rows.labels(origin[0]),
            )
        return children
