"""Writing a trained model as a bundle, and refusing one that answers otherwise than it was trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from estate.bundles.bundle import FEATURES, GOLDEN, MODEL, REFERENCE, Bundle, InputColumn, describe
from estate.bundles.manifest import write_manifest
from estate.bundles.onnx_predictor import OnnxPredictor
from estate.bundles.reference import Reference
from estate.core.errors import ParityError
from estate.core.frame import Frame
from estate.training.data import TrainingData
from estate.training.export import TOLERANCE, parity, to_onnx
from estate.training.fit import Trained
from estate.training.split import Split

GOLDEN_ROWS = 8
REFERENCE_ROWS = 5000


def write_bundle(trained: Trained, parts: Split, folder: Path) -> tuple[Bundle, float]:
    """Write all files of a bundle; returns it with its parity on the whole holdout.

    Raises
    ------
    TrainingError
        If the estimator can't be exported.
    ParityError
        If the export differs by more than the tolerance anywhere on the holdout.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(to_onnx(trained).SerializeToString())
    bundle = _unsealed(trained, parts.train, folder)
    (folder / FEATURES).write_text(describe(bundle))
    difference = _parity(trained, parts.holdout, bundle)
    predictor = OnnxPredictor(bundle, "unregistered")
    golden = parts.holdout.features.take(np.arange(min(GOLDEN_ROWS, len(parts.holdout))))
    (folder / GOLDEN).write_text(_golden(golden, predictor))
    sample = _sample(parts, trained.spec.seed)
    Reference(sample, predictor.predict_many(sample).score).write(folder / REFERENCE)
    write_manifest(folder)
    return Bundle.open(folder), difference


def _unsealed(trained: Trained, data: TrainingData, folder: Path) -> Bundle:
    spec = trained.spec
    inputs = tuple(
        InputColumn(name, "category" if data.raw[name].dtype == object else "number") for name in data.inputs
    )
    return Bundle(
        folder, "", spec.name, spec.task, trained.classes, spec.features.fingerprint, inputs, trained.encoder
    )


def _parity(trained: Trained, holdout: TrainingData, bundle: Bundle) -> float:
    matrix = bundle.encoder.matrix(holdout.features)
    scores = OnnxPredictor(bundle, "unregistered").predict_matrix(matrix)
    exported = scores.score if scores.probabilities is None else scores.probabilities
    difference = parity(trained, matrix.astype(np.float64), exported)
    if not difference <= TOLERANCE:
        raise ParityError(
            f"export of model `{trained.spec.name}`",
            expected=f"scores within {TOLERANCE:g} of the trained model on all {len(holdout)} holdout rows",
            got=f"a difference of {difference:.3g}",
            todo="Scale no inputs of tree models, and use estimators that docs/models.md lists as exact.",
        )
    return difference


def _golden(features: Frame, predictor: OnnxPredictor) -> str:
    columns = {name: [row[name] for row in features.records()] for name in features.columns}
    return json.dumps(
        {"features": columns, "scores": predictor.predict_many(features).score.tolist()}, indent=1
    )


def _sample(parts: Split, seed: int) -> Frame:
    """Draw rows of all parts: what the model knows of the world, the newest part included."""
    every = [parts.train, parts.calibration, parts.holdout]
    columns = {
        name: np.concatenate([part.features[name] for part in every]) for name in parts.train.features.columns
    }
    rows = sum(map(len, every))
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:REFERENCE_ROWS])
    return Frame(columns, rows).take(chosen)
