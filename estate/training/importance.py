"""How much each feature is worth to a model: the loss that shuffling it costs."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.predictor import Predictor
from estate.training.data import TrainingData
from estate.training.metrics import metric_named

ROWS = 2000


def importance(spec: ModelSpec, predictor: Predictor, holdout: TrainingData) -> dict[str, float]:
    """Return by how much the gate's metric worsens when a feature is shuffled, largest first.

    References
    ----------
    Breiman (2001), "Random Forests", Machine Learning 45.
    """
    random = np.random.default_rng(spec.seed)
    sample = holdout.take(np.sort(random.permutation(len(holdout))[:ROWS]))
    metric = metric_named(spec.task, spec.gate.metric)
    whole = metric.function(sample.y, predictor.predict_many(sample.features))
    worth = {}
    for name in spec.features.names:
        shuffled = {**sample.features.columns, name: random.permutation(sample.features[name])}
        scored = predictor.predict_many(Frame(shuffled, len(sample)))
        worth[name] = metric.improvement(whole, metric.function(sample.y, scored))
    return dict(sorted(worth.items(), key=lambda item: -item[1]))
