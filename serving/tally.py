"""What the two versions of a rollout did in this process, counted as the reconciler judges it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.core.rollout import LATENCY_EDGES_MS, SCORE_BINS, Side

Count = Callable[[float], None]
"""Adds to a series of the metrics."""

_FEWEST_ROWS = 20


class SideTally:
    """Counts of one version; safe to share between threads.

    Parameters
    ----------
    edges : float64 array of shape (19,)
        Between the score bins.
    count_rows, count_errors : callable
    """

    def __init__(self, edges: Numbers, *, count_rows: Count, count_errors: Count) -> None:
        self._edges, self._count_rows, self._count_errors = edges, count_rows, count_errors
        self._rows = self._errors = 0
        self._latency = [0] * (len(LATENCY_EDGES_MS) + 1)
        self._scores: NDArray[np.int64] = np.zeros(SCORE_BINS, dtype=np.int64)
        self._lock = threading.Lock()

    def scored(self, scores: Numbers, seconds: float) -> None:
        """Count the rows of one request."""
        bins = np.bincount(np.searchsorted(self._edges, scores, side="right"), minlength=SCORE_BINS)
        slower = int(np.searchsorted(LATENCY_EDGES_MS, seconds * 1000))
        with self._lock:
            self._rows += len(scores)
            self._latency[slower] += 1
            self._scores += bins
        self._count_rows(len(scores))

    def failed(self, rows: int) -> None:
        """Count rows of a request that it failed on."""
        with self._lock:
            self._rows += rows
            self._errors += rows
        self._count_rows(rows)
        self._count_errors(rows)

    @property
    def side(self) -> Side:
        """The counts so far."""
        with self._lock:
            scores = tuple(self._scores.tolist())
            return Side(rows=self._rows, errors=self._errors, latency=tuple(self._latency), scores=scores)


class Tally:
    """Counts of both, and whether the new version fails too often to be asked any more.

    Parameters
    ----------
    candidate, stable : SideTally
    most_errors : float
        Greatest share of rows that the new version may fail on.
    """

    def __init__(self, candidate: SideTally, stable: SideTally, *, most_errors: float) -> None:
        self.candidate, self.stable = candidate, stable
        self.stopped = False
        self._most_errors = most_errors

    def failed(self, rows: int) -> None:
        """Count rows that the new version failed on and the present one did not."""
        self.candidate.failed(rows)
        side = self.candidate.side
        if side.rows >= _FEWEST_ROWS and side.errors > self._most_errors * side.rows:
            self.stopped = True  # for good: whoever decides has to be told, not this process


def score_edges(reference: Numbers) -> Numbers:
    """Return what parts the score bins: 19 quantiles of the new version's reference scores."""
    return np.quantile(reference, np.arange(1, SCORE_BINS) / SCORE_BINS)
