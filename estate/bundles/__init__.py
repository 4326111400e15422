"""A trained model as files that are safe to load: ONNX or UBJSON, JSON and Parquet, never pickle."""

from estate.bundles.bundle import Bundle, InputColumn
from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.encoder import Encoder
from estate.bundles.manifest import check_manifest, write_manifest
from estate.bundles.native_predictor import NativePredictor
from estate.bundles.onnx_predictor import OnnxPredictor
from estate.bundles.opening import open_predictor
from estate.bundles.reference import Reference
from estate.bundles.rules_predictor import RulesPredictor

__all__ = [
    "Bundle",
    "BundlePredictor",
    "Encoder",
    "InputColumn",
    "NativePredictor",
    "OnnxPredictor",
    "Reference",
    "RulesPredictor",
    "check_manifest",
    "open_predictor",
    "write_manifest",
]
