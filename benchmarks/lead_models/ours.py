"""Ours on one split: encoder, vote, calibration, export, and the answers of the exported bundle."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estate.bundles import open_predictor
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.training.bundling import write_bundle
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.fit import Trained, fit
from estate.training.split import CALIBRATION_SHARE, Split

_LATER_THAN_ALL = datetime(2100, 1, 1, tzinfo=UTC)


def rows_of(spec: ModelSpec) -> TrainingData:
    """Read every row of a table as a training does."""
    return extract(spec, None, as_of=_LATER_THAN_ALL)


def split_at(spec: ModelSpec, data: TrainingData, train: NDArray[np.intp], test: NDArray[np.intp]) -> Split:
    """Split as a training does, with these rows as the frozen ones; those to train on come oldest first."""
    calibrated = min(round(len(data) * CALIBRATION_SHARE), spec.calibration_most)
    cut = len(train) - (calibrated if spec.task is Task.BINARY else 0)
    return Split(data.take(train[:cut]), data.take(train[cut:]), data.take(test))


def answers(spec: ModelSpec, parts: Split) -> tuple[Numbers, Trained]:
    """Train, export, and score the frozen rows with what would be served; and what was trained."""
    trained = fit(spec, parts)
    with tempfile.TemporaryDirectory() as folder:
        bundle, _ = write_bundle(trained, parts, Path(folder) / "bundle")
        return open_predictor(bundle, "1").predict_many(parts.holdout.features).score, trained


def vote_of(trained: Trained) -> Any:
    """Return the vote inside, whose weights are of interest."""
    return getattr(trained.estimator, "regressor_", trained.estimator)
