"""Writing a trained model as a bundle, and refusing one that answers otherwise than it was trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from estate.bundles.answers_file import ANSWERS, AnswersFile
from estate.bundles.bundle import FEATURES, GOLDEN, REFERENCE, Bundle, InputColumn, describe
from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.manifest import write_manifest
from estate.bundles.reference import Reference
from estate.core.frame import Frame, Numbers
from estate.training.bands import bands_of
from estate.training.data import TrainingData
from estate.training.fit import Trained
from estate.training.importance import importance
from estate.training.intervals import interval_of
from estate.training.model_file import write_model
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
    predictor, difference = write_model(trained, parts.holdout, _unsealed(trained, parts.train, folder))
    (folder / FEATURES).write_text(describe(predictor.bundle))
    golden = parts.holdout.take(np.arange(min(GOLDEN_ROWS, len(parts.holdout))))
    (folder / GOLDEN).write_text(_golden(golden, predictor))
    sample = _sample(parts, trained.spec.seed)
    reference = Reference(sample, predictor.predict_many(sample).score)
    reference.write(folder / REFERENCE)
    (folder / ANSWERS).write_text(_answers(trained, parts.holdout, predictor, reference.scores))
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


def _golden(data: TrainingData, predictor: BundlePredictor) -> str:
    """Return rows as a caller sends them, the features that they become, and the scores of these."""
    columns = {name: [row[name] for row in data.features.records()] for name in data.features.columns}
    golden = {
        "rows": data.raw.select(data.inputs).records(),
        "features": columns,
        "scores": predictor.predict_many(data.features).score.tolist(),
    }
    return json.dumps(golden, indent=1)


def _answers(trained: Trained, holdout: TrainingData, predictor: BundlePredictor, reference: Numbers) -> str:
    """Measure on the frozen rows, by the very predictor that will answer."""
    spec, scores = trained.spec, predictor.predict_many(holdout.features)
    said = AnswersFile(
        interval=interval_of(spec.task, holdout.y, scores, spec.interval),
        bands=bands_of(spec, reference, holdout.y, scores.score),
        importance=_worth(trained, holdout, predictor),
    )
    return said.model_dump_json(indent=1)


def _worth(trained: Trained, holdout: TrainingData, predictor: BundlePredictor) -> dict[str, float]:
    worth = importance(trained.spec, predictor, holdout)
    return {name: float(value) for name, value in worth.items() if np.isfinite(value)}


def _sample(parts: Split, seed: int) -> Frame:
    """Draw rows of all parts: what the model knows of the world, the newest part included."""
    every = [parts.train, parts.calibration, parts.holdout]
    columns = {
        name: np.concatenate([part.features[name] for part in every]) for name in parts.train.features.columns
    }
    rows = sum(map(len, every))
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:REFERENCE_ROWS])
    return Frame(columns, rows).take(chosen)
