"""Split, fit and calibrate; then export with a parity check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prefect import task

from estate.bundles import Bundle
from estate.core.model_spec import ModelSpec
from estate.training.bundling import write_bundle
from estate.training.data import TrainingData
from estate.training.fit import Trained, fit
from estate.training.split import Split, split_by_time
from tasks.retrying import COMPUTES


@dataclass(frozen=True)
class Learned:
    """A fitted model with the parts that it was fitted on."""

    trained: Trained
    parts: Split


@dataclass(frozen=True)
class Exported:
    """A bundle, and how far it is from the fitted model at most."""

    bundle: Bundle
    parity: float


@task(name="fit", **COMPUTES)
def fit_model(spec: ModelSpec, data: TrainingData) -> Learned:
    """Train on the oldest rows, calibrate on the next."""
    parts = split_by_time(spec, data)
    return Learned(fit(spec, parts), parts)


@task(name="export", **COMPUTES)
def export_bundle(learned: Learned, folder: Path) -> Exported:
    """Write the ONNX bundle and compare it on the whole holdout."""
    return Exported(*write_bundle(learned.trained, learned.parts, folder))
