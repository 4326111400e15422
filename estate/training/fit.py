"""Fitting one estimator, with its encoder and its calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estate.bundles.encoder import Encoder, Matrix
from estate.core.errors import SpecError, TrainingError
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.core.prediction import Scores
from estate.features.events import DAY_US
from estate.training.calibration import BetaCalibration
from estate.training.data import TrainingData
from estate.training.row_weights import weight_argument
from estate.training.split import Split


@dataclass(frozen=True)
class Trained:
    """A fitted model that still lives in Python.

    Parameters
    ----------
    spec : ModelSpec
    encoder : Encoder
    estimator : object
        Fitted; reads the encoder's matrix.
    calibration : BetaCalibration, optional
        Of a binary model.
    classes : tuple of str
        Of a multiclass model.
    """

    spec: ModelSpec
    encoder: Encoder
    estimator: Any
    calibration: BetaCalibration | None
    classes: tuple[str, ...]

    def predict_matrix(self, matrix: Matrix) -> Scores:
        """Score an encoded matrix of shape (n, columns) in Python, for comparison with the export."""
        match self.spec.task:
            case Task.REGRESSION:
                return Scores(np.asarray(self.estimator.predict(matrix), dtype=np.float64).reshape(-1))
            case Task.MULTICLASS:
                raw = np.asarray(self.estimator.predict_proba(matrix), dtype=np.float64)
                return Scores(raw.max(axis=1), raw, self.classes)
            case Task.BINARY:
                raw = self.estimator.predict_proba(matrix)[:, 1].astype(np.float64)
                return Scores(self.calibration.apply(raw) if self.calibration else raw)


def fit(spec: ModelSpec, parts: Split) -> Trained:
    """Learn levels and weights from the train part, the calibration from the calibration part.

    If the spec says so, the estimator learns from both: the newest rows are too good to be left out. Each
    half of the calibration rows is then asked of an estimator that has learned from the other one, so that
    what is calibrated knows the newest rows, and is not one that a drift has left behind.

    Raises
    ------
    SpecError
        If the estimator is no scikit-learn compatible one.
    TrainingError
        If it can't be fitted; names the estimator and its own words.
    """
    encoder = Encoder.fit(parts.train.features, spec.features)
    refit = spec.task is Task.BINARY and spec.refit
    learned = parts.train.followed_by(parts.calibration) if refit else parts.train
    calibration = _across_halves(spec, encoder, parts) if refit else None
    trained = Trained(spec, encoder, _fitted(spec, encoder, learned), calibration, parts.train.classes)
    if spec.task is not Task.BINARY or refit:
        return trained
    raw = trained.predict_matrix(encoder.matrix(parts.calibration.features)).score
    return replace(trained, calibration=BetaCalibration.fit(raw, parts.calibration.y))


def _across_halves(spec: ModelSpec, encoder: Encoder, parts: Split) -> BetaCalibration:
    rows = parts.calibration
    raw, second = np.empty(len(rows)), _second_half(rows)
    for half in (second, ~second):
        asked, other = rows.take(np.flatnonzero(half)), rows.take(np.flatnonzero(~half))
        estimator = _fitted(spec, encoder, parts.train.followed_by(other))
        raw[half] = estimator.predict_proba(encoder.matrix(asked.features))[:, 1]
    return BetaCalibration.fit(raw, rows.y)


def _second_half(rows: TrainingData) -> NDArray[np.bool_]:
    """Return every other case's rows: of one case none is asked of who has learned from another."""
    cases = np.unique(rows.entities.astype(str), return_inverse=True)[1]
    return np.asarray(cases % 2 == 1) if cases.any() else np.arange(len(rows)) % 2 == 1


def _fitted(spec: ModelSpec, encoder: Encoder, rows: TrainingData) -> Any:
    estimator = _unfitted(spec)
    _require(spec, estimator, "fit")
    y = rows.y if spec.task is Task.REGRESSION else rows.y.astype(np.int64)
    try:
        estimator.fit(encoder.matrix(rows.features), y, **_weights(spec, rows, estimator))
    except (ValueError, TypeError) as error:
        raise TrainingError(
            f"estimator {type(estimator).__name__} of model `{spec.name}`",
            expected="to be fitted",
            got=str(error).strip().splitlines()[0],
            todo="Missing numbers are NaN: put an imputer in front of estimators that can't read them.",
        ) from error
    _require(spec, estimator, "predict" if spec.task is Task.REGRESSION else "predict_proba")
    return estimator


def _unfitted(spec: ModelSpec) -> Any:
    try:
        return spec.estimator(spec.seed)
    except Exception as error:  # a function of the user's own may raise anything
        raise SpecError(
            f"`estimator` of model `{spec.name}`",
            expected="a function of a seed that returns an unfitted estimator",
            got=f"{type(error).__name__}: {error}",
        ) from error


def _require(spec: ModelSpec, estimator: Any, method: str) -> None:
    """Refuse an estimator without a method; some, such as a stack, have it only when they are fitted."""
    if not hasattr(estimator, method):
        steps = getattr(estimator, "steps", None)
        last = f" that ends in {type(steps[-1][1]).__name__}" if steps else ""
        raise SpecError(
            f"estimator of model `{spec.name}`",
            expected=f"a scikit-learn compatible one with {method}",
            got=f"{type(estimator).__name__}{last}",
            todo="docs/models.md lists estimators that can be used.",
        )


def _weights(spec: ModelSpec, rows: TrainingData, estimator: Any) -> dict[str, Numbers]:
    if spec.half_life_days is None:
        return {}
    age_days = (rows.times.max() - rows.times) / DAY_US
    return weight_argument(estimator, np.exp2(-age_days / spec.half_life_days))
