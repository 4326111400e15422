"""Writing the model itself: as ONNX; where that can't match and XGBoost made it, in XGBoost's own format.

Whatever is written must answer as the trained model did, on the whole holdout.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from estate.bundles import Bundle, BundlePredictor, open_predictor
from estate.bundles.bundle import MODEL, NATIVE
from estate.bundles.calibration import Calibration
from estate.core.errors import ArtifactError, LeadloopError, ParityError, TrainingError
from estate.training.data import TrainingData
from estate.training.export import TOLERANCE, parity, to_onnx
from estate.training.fit import Trained

_NATIVE = ("XGBClassifier", "XGBRegressor")
_log = logging.getLogger(__name__)


def write_model(trained: Trained, holdout: TrainingData, bundle: Bundle) -> tuple[BundlePredictor, float]:
    """Write the model into a bundle's folder; returns what answers with it, and its parity.

    Parameters
    ----------
    bundle : Bundle
        Not sealed yet.

    Raises
    ------
    TrainingError
        If the estimator can't be exported.
    ParityError
        If the export differs by more than the tolerance anywhere on the holdout.
    """
    try:
        return _as_onnx(trained, holdout, bundle)
    except TrainingError as refused:
        (bundle.folder / MODEL).unlink(missing_ok=True)
        if not _made_by_xgboost(trained.estimator):
            raise
        try:
            made = _as_native(trained, holdout, bundle)
        except LeadloopError:
            raise refused from None
        _log.info("model=%s format=xgboost, since as ONNX: %s", bundle.model, refused)
        return made


def _as_onnx(trained: Trained, holdout: TrainingData, bundle: Bundle) -> tuple[BundlePredictor, float]:
    (bundle.folder / MODEL).write_bytes(to_onnx(trained).SerializeToString())
    try:
        predictor = open_predictor(bundle, "unregistered")
    except ArtifactError as error:
        raise TrainingError(
            f"estimator {type(trained.estimator).__name__} of model `{trained.spec.name}`",
            expected="one that can be exported to ONNX and loaded",
            got=f"for {error.expected}: {error.got}",
            todo="Use an estimator that docs/models.md lists as exact.",
        ) from error
    return predictor, _parity(trained, holdout, predictor)


def _as_native(trained: Trained, holdout: TrainingData, bundle: Bundle) -> tuple[BundlePredictor, float]:
    content = trained.estimator.get_booster().save_raw(raw_format="ubj")
    (bundle.folder / NATIVE).write_bytes(bytes(content))
    found = trained.calibration
    kept = Calibration(found.a, found.b, found.c) if found else None
    predictor = open_predictor(replace(bundle, calibration=kept), "unregistered")
    return predictor, _parity(trained, holdout, predictor)


def _made_by_xgboost(estimator: object) -> bool:
    # By name: XGBoost is loaded only where it is used, and its random forests are other classes below these.
    kind = type(estimator)
    return kind.__module__.startswith("xgboost.") and kind.__name__ in _NATIVE


def _parity(trained: Trained, holdout: TrainingData, predictor: BundlePredictor) -> float:
    matrix = predictor.bundle.encoder.matrix(holdout.features)
    scores = predictor.predict_matrix(matrix)
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
