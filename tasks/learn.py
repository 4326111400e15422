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
from model_registry import build_model_folder
from tasks.retrying import COMPUTES

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Learned:
    """A fitted model with all rows, and the parts of them that it was fitted and will be judged on."""

    trained: Trained
    parts: Split
    data: TrainingData


@dataclass(frozen=True)
class Exported:
    """A bundle, how far it is from the fitted model at most, and the folder that will be registered.

    Parameters
    ----------
    bundle : Bundle
    parity : float
    model_folder : Path
        MLflow's, with the bundle inside.
    artifacts_digest : str
        Over every file of it.
    """

    bundle: Bundle
    parity: float
    model_folder: Path
    artifacts_digest: str


@task(name="fit", **COMPUTES)
def fit_model(spec: ModelSpec, data: TrainingData) -> Learned:
    """Train on the oldest rows, calibrate on the next."""
    parts = split_by_time(spec, data)
    return Learned(fit(spec, parts), parts, data)


@task(name="export", **COMPUTES)
def export_bundle(learned: Learned, folder: Path) -> Exported:
    """Write the bundle and compare it on the whole holdout; then MLflow's folder, before any evidence."""
    bundle, parity = write_bundle(learned.trained, learned.parts, folder)
    model_folder = folder.with_name("model")
    example = bundle.encoder.matrix(learned.parts.holdout.features)[:EXAMPLE_ROWS]
    return Exported(bundle, parity, model_folder, build_model_folder(bundle, example, model_folder))
