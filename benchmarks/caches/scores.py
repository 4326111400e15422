"""What remembering a score takes, beside scoring the row."""

from __future__ import annotations

import time

import numpy as np

from estate.bundles import Encoder
from estate.bundles.encoder import EncodedColumn
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy, Scores
from estate.features.live import LeadFeatures
from serving.caches import MemoryCache
from serving.caches.kept_lead import Layout
from serving.predictors.cached import Cached, KeptScore


class _Free:
    """A model that takes no time: what is left is the cache."""

    version, answered_by = "1", AnsweredBy.MODEL

    def predict_many(self, features: Frame) -> Scores:
        """Return zeros."""
        return Scores(np.zeros(len(features)))


def score_rows(spec: ModelSpec, rows: list[LeadFeatures]) -> list[dict[str, object]]:
    """Time a row that is remembered and one that is not; milliseconds."""
    columns = tuple(EncodedColumn(name, spec.features.kind(name)) for name in spec.features.names)
    cache = MemoryCache[KeptScore](most_bytes=64 << 20, keep_seconds=3600, size=lambda kept: kept.size)
    cached = Cached(_Free(), encode=Encoder(columns).matrix, cache=cache, name="benchmark")
    layout = Layout.of(spec.features)
    frames = [layout.frame(list(layout.keep(one).values())) for one in rows]  # as they come from the caches
    made: list[dict[str, object]] = []
    for measured in ("score not remembered", "score remembered"):
        taken = [_milliseconds(cached, frame) for frame in frames]
        p50, p99 = np.percentile(taken, (50, 99))
        made.append({"measured": measured, "leads": 1, "p50_ms": float(p50), "p99_ms": float(p99)})
    return made


def _milliseconds(cached: Cached, features: Frame) -> float:
    began = time.perf_counter()
    cached.predict_many(features)
    return 1e3 * (time.perf_counter() - began)
