"""A bundle that answers, by ONNX Runtime."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import numpy as np

from estate.bundles.bundle import MODEL
from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.encoder import Matrix
from estate.bundles.graph import INPUT, OUTPUT, check_graph
from estate.core.errors import ArtifactError
from estate.core.prediction import Scores

__all__ = ["INPUT", "OUTPUT", "OnnxPredictor"]


class OnnxPredictor(BundlePredictor):
    """Answers by ONNX Runtime."""

    def load(self) -> None:
        """Read the graph; one that the platform does not load is never seen by ONNX Runtime."""
        _ = self._session

    def predict_matrix(self, matrix: Matrix) -> Scores:
        """Score every row of an encoded matrix of shape (n, columns)."""
        if not len(matrix):
            return self.bundle.no_scores()
        return self.bundle.scores(np.asarray(self._session.run([OUTPUT], {INPUT: matrix})[0], np.float64))

    @cached_property
    def _session(self) -> Any:
        what = f"{MODEL} of bundle {self.bundle.folder}"
        # The very bytes that were looked at are the ones that are loaded.
        content = self.bundle.read_model(MODEL)
        check_graph(content, what, width=len(self.bundle.encoder.names), classes=len(self.bundle.classes))
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when the library is loaded
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # many small requests: threads inside one cost more than they give
        options.log_severity_level = 4  # what is wrong is raised, and said once
        try:
            return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises types of its own that share no base class
            raise ArtifactError(what, expected="an ONNX model", got=str(error).splitlines()[0]) from error
