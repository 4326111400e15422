"""Which models' scores are kept: those that take so long that looking a row up is worth it."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import perf_counter

import numpy as np

from estate.bundles import Bundle
from estate.core.predictor import Predictor
from serving.answering import Answering
from serving.caches.memory import MemoryCache
from serving.metrics import Metrics
from serving.predictors.cached import Cached, KeptScore

logger = logging.getLogger(__name__)

_KEEP_SECONDS = 3600.0  # the same row has the same score for ever; this lets unused ones go
_TRIES = 5


class SlowModels:
    """Puts a cache of scores around models that are slow.

    Parameters
    ----------
    above_seconds : float
        For one row; a faster model has none. 0: no model has one.
    most_bytes : int
        Of all scores together.
    metrics : Metrics
    """

    def __init__(self, *, above_seconds: float, most_bytes: int, metrics: Metrics) -> None:
        self._above, self._metrics = above_seconds, metrics
        self._cache = MemoryCache[KeptScore](
            most_bytes=most_bytes,
            keep_seconds=_KEEP_SECONDS,
            size=lambda kept: kept.size,
            on_evicted=metrics.cache_evictions.labels("scores").inc,
        )

    def around(self, answering: Answering) -> Answering:
        """Return what answers, with a cache around its predictor if that is slow."""
        bundle = answering.bundle
        if bundle is None or self._above == 0:
            return answering
        seconds = row_seconds(answering.predictor, bundle)
        if seconds <= self._above:
            return answering
        logger.info(
            "scores_kept model=%s version=%s row_ms=%.2f", bundle.model, answering.version, 1e3 * seconds
        )
        return replace(answering, predictor=self._cached(answering.predictor, bundle))

    def _cached(self, predictor: Predictor, bundle: Bundle) -> Cached:
        hits = self._metrics.cache_hits.labels("scores", bundle.model)
        misses = self._metrics.cache_misses.labels("scores", bundle.model)

        def looked_up(found: int, rows: int) -> None:
            hits.inc(found)
            misses.inc(rows - found)
            self._metrics.cache_entries.labels("scores").set(len(self._cache))
            self._metrics.cache_bytes.labels("scores").set(self._cache.bytes)

        return Cached(
            predictor,
            encode=bundle.encoder.matrix,
            cache=self._cache,
            name=f"{bundle.model}\0{bundle.digest}",
            looked_up=looked_up,
        )


def row_seconds(predictor: Predictor, bundle: Bundle) -> float:
    """Return the least time of a few tries that one row of the training took."""
    row = bundle.reference().features.take(np.array([0]))
    taken = []
    for _ in range(_TRIES):
        began = perf_counter()
        predictor.predict_many(row)
        taken.append(perf_counter() - began)
    return min(taken)
