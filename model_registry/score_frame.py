"""What ``mlflow.pyfunc.load_model`` runs; a copy of this file travels inside every registered model.

MLflow's own enforcement can't do what a person in a notebook expects: with column names it refuses a matrix,
without them it takes columns in any order, and it refuses whole numbers where it wants decimal ones. So the
model checks its input itself. It may import nothing of Leadloop.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Score = Callable[[NDArray[np.float32]], Any]


class ScoreFrame:
    """A model that reads a frame by column name, or a matrix by position.

    Parameters
    ----------
    score : callable
        Reads one float32 matrix of shape (n, d), gives scores of shape (n,), (n, 1) or (n, classes).
    columns : tuple of str
        The d columns in the order of the matrix.
    outputs : tuple of str
        Names of the score's columns.
    """

    def __init__(self, score: Score, columns: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        self.score, self.columns, self.outputs = score, columns, outputs

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """Return one row of scores for each row of the input, under the input's index.

        Raises
        ------
        ValueError
            If a column is missing, or a matrix is not d columns wide, or a value is no number.
        """
        if isinstance(model_input, pd.Series | dict) or _is_records(model_input):
            model_input = pd.DataFrame(model_input)
        index = model_input.index if isinstance(model_input, pd.DataFrame) else None
        matrix = self._matrix(model_input)
        scores = np.asarray(self.score(matrix), dtype=np.float32)
        return pd.DataFrame(scores.reshape(len(matrix), -1), columns=list(self.outputs), index=index)

    def _matrix(self, model_input: Any) -> NDArray[np.float32]:
        if isinstance(model_input, pd.DataFrame):
            missing = [name for name in self.columns if name not in model_input.columns]
            if missing:
                raise ValueError(f"missing columns {missing}; the model reads {list(self.columns)}")
            model_input = model_input[list(self.columns)]
        matrix: NDArray[np.float32] = np.asarray(model_input, dtype=np.float32)
        if matrix.ndim != 2 or matrix.shape[1] != len(self.columns):
            raise ValueError(f"expected a matrix of shape (n, {len(self.columns)}), got {matrix.shape}")
        return matrix


def _is_records(model_input: Any) -> bool:
    return isinstance(model_input, list) and bool(model_input) and isinstance(model_input[0], dict)


def _onnx(path: Path) -> Score:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def score(matrix: NDArray[np.float32]) -> Any:
        return session.run(None, {name: matrix})[0]

    return score


def _xgboost(path: Path) -> Score:
    import xgboost

    booster = xgboost.Booster(model_file=str(path))
    kept = json.loads(path.with_name("features.json").read_text()).get("calibration")

    def score(matrix: NDArray[np.float32]) -> Any:
        p = np.asarray(booster.inplace_predict(matrix, validate_features=False), dtype=np.float64)
        if kept is None or not len(p):
            return p
        # As estate/bundles/calibration.py does it.
        clipped = np.clip(p.reshape(-1), 1e-5, 1 - 1e-5)
        z = kept["a"] * np.log(clipped) - kept["b"] * np.log1p(-clipped) + kept["c"]
        return 1.0 / (1.0 + np.exp(-z))

    return score


def _load_pyfunc(path: str) -> ScoreFrame:
    """Return the model of an MLflow model folder; ``path`` is its ``bundle/model.onnx`` or ``.ubj``."""
    from mlflow.models import Model

    file = Path(path)
    signature = Model.load(str(file.parent.parent / "MLmodel")).signature
    score = _xgboost(file) if file.suffix == ".ubj" else _onnx(file)
    return ScoreFrame(score, tuple(signature.inputs.input_names()), tuple(signature.outputs.input_names()))
