"""From a bundle to what answers with it."""

from __future__ import annotations

import importlib
import os

from estate.bundles.bundle import Bundle
from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.native_predictor import NativePredictor
from estate.bundles.onnx_predictor import OnnxPredictor
from estate.core.prediction import AnsweredBy


def open_predictor(
    bundle: Bundle, version: str, answered_by: AnsweredBy = AnsweredBy.MODEL
) -> BundlePredictor:
    """Load a bundle's model, in the format that it is kept in.

    Raises
    ------
    ArtifactError
        If it is not a model that the platform loads.
    """
    kind = NativePredictor if bundle.format == "xgboost" else OnnxPredictor
    made: BundlePredictor = kind(bundle, version, answered_by)
    made.load()
    return made


def prepare() -> None:
    """Load the libraries that read and compute ONNX models: what every process that answers pays once."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when the library is loaded
    for library in ("onnx", "onnxruntime"):
        importlib.import_module(library)
