"""A bundle that answers, by ONNX Runtime."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import numpy as np

from estate.bundles.bundle import MODEL, Bundle
from estate.bundles.encoder import Matrix
from estate.core.errors import ArtifactError
from estate.core.frame import Frame
from estate.core.model_spec import Task
from estate.core.prediction import AnsweredBy, Scores

INPUT, OUTPUT = "features", "score"


class OnnxPredictor:
    """Scores a frame of features with a bundle's model; safe to share between threads.

    Parameters
    ----------
    bundle : Bundle
    version : str
    answered_by : AnsweredBy
    """

    def __init__(self, bundle: Bundle, version: str, answered_by: AnsweredBy = AnsweredBy.MODEL) -> None:
        self.bundle = bundle
        self._version = version
        self._answered_by = answered_by

    @property
    def version(self) -> str:
        """Registered version."""
        return self._version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers."""
        return self._answered_by

    def predict_many(self, features: Frame) -> Scores:
        """Score every row.

        Raises
        ------
        DataError
            If a feature is missing or of the wrong kind.
        """
        return self.predict_matrix(self.bundle.encoder.matrix(features))

    def predict_matrix(self, matrix: Matrix) -> Scores:
        """Score every row of an encoded matrix of shape (n, columns)."""
        if not len(matrix):
            empty = np.empty(0)
            shape = (0, len(self.bundle.classes))
            return Scores(empty, np.empty(shape) if self.bundle.classes else None, self.bundle.classes)
        raw = np.asarray(self._session.run([OUTPUT], {INPUT: matrix})[0], dtype=np.float64)
        if self.bundle.task is Task.MULTICLASS:
            return Scores(raw.max(axis=1), raw, self.bundle.classes)
        return Scores(raw)

    @cached_property
    def _session(self) -> Any:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when the library is loaded
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # many small requests: threads inside one cost more than they give
        options.log_severity_level = 3
        try:
            return ort.InferenceSession(
                str(self.bundle.folder / MODEL), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises types of its own that share no base class
            raise ArtifactError(
                f"{MODEL} of bundle {self.bundle.folder}",
                expected="an ONNX model",
                got=str(error).splitlines()[0],
            ) from error
