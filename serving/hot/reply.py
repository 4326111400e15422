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
            yield _HEAD % len(body), body
            start += count

    def count(self, answered: AnsweredRows, since: Sequence[float]) -> None:
        """Count requests that came then and were answered just now."""
        scores = answered.scores
        key = (answered.model, scores.version, scores.answered_by.value)
        if (children := self._children.get(key)) is None:
            children = self._children[key] = (
                self._metrics.requests.labels("predict", answered.model, "200"),
                self._metrics.request_seconds.labels(*key),
                self._metrics.batch_rows.labels(answered.model),
            )
        requests, seconds, batch = children
        requests.inc(len(since))
        batch.observe(len(answered.ids))
        now = perf_counter()
        seconds.observe_many([now - began for began in since])
