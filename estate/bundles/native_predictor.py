"""A bundle that answers by XGBoost itself, where ONNX can't give the same scores.

``model.ubj`` is XGBoost's own format (UBJSON): numbers and names, nothing that runs.

References
----------
https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import numpy as np

from estate.bundles.bundle import NATIVE
from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.encoder import Matrix
from estate.core.errors import ArtifactError
from estate.core.model_spec import Task
from estate.core.prediction import Scores

BOOSTERS = frozenset({"gbtree", "dart"})
OBJECTIVES = {
    Task.BINARY: frozenset({"binary:logistic"}),
    Task.MULTICLASS: frozenset({"multi:softprob"}),
    Task.REGRESSION: frozenset(
        {
            *("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror"),
            *("reg:logistic", "reg:gamma", "reg:tweedie", "count:poisson"),
        }
    ),
}
"""Whose answer is the score that we want, and that were tried."""
_OPENS = (b"{L", b"{i", b"{I", b"{l")  # an object whose first name has a length


class NativePredictor(BundlePredictor):
    """Answers by XGBoost."""

    def load(self) -> None:
        """Read the booster; it must be of the bundle's width and of a known kind."""
        _ = self._booster

    def predict_matrix(self, matrix: Matrix) -> Scores:
        """Score every row of an encoded matrix of shape (n, columns)."""
        if not len(matrix):
            return self.bundle.no_scores()
        raw = self._booster.inplace_predict(matrix, validate_features=False, strict_shape=True)
        found = np.asarray(raw, dtype=np.float64)
        if self.bundle.task is Task.MULTICLASS:
            return self.bundle.scores(found)
        flat = found.reshape(-1)
        return self.bundle.scores(self.bundle.calibration.apply(flat) if self.bundle.calibration else flat)

    @cached_property
    def _booster(self) -> Any:
        what = f"{NATIVE} of bundle {self.bundle.folder}"
        content = self.bundle.read_model(NATIVE)
        if not content.startswith(_OPENS) or not content.endswith(b"}"):
            raise ArtifactError(what, expected="an XGBoost model (UBJSON)", got="a file that is none")
        import xgboost

        try:
            # One thread for each call: many small requests, as with ONNX.
            booster = xgboost.Booster({"nthread": 1})
            booster.load_model(bytearray(content))
            booster.set_param({"nthread": 1})
            config = json.loads(booster.save_config())["learner"]
        except (xgboost.core.XGBoostError, ValueError, KeyError) as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise ArtifactError(what, expected="an XGBoost model (UBJSON)", got=said[0]) from error
        self._check(what, booster.num_features(), config)
        return booster

    def _check(self, what: str, width: int, config: Any) -> None:
        wanted, columns = OBJECTIVES[self.bundle.task], len(self.bundle.encoder.names)
        objective = config["learner_train_param"]["objective"]
        kind, classes = config["gradient_booster"]["name"], int(config["learner_model_param"]["num_class"])
        if objective not in wanted or kind not in BOOSTERS:
            raise ArtifactError(
                what,
                expected=f"{' or '.join(sorted(BOOSTERS))} of {', '.join(sorted(wanted))}",
                got=f"{kind} of {objective}",
            )
        if width != columns or classes != len(self.bundle.classes):
            raise ArtifactError(
                what,
                expected=f"{columns} columns and {len(self.bundle.classes)} classes",
                got=f"{width} and {classes}",
            )
