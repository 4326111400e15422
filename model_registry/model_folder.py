"""The MLflow model folder around a bundle: what makes a version loadable with MLflow's own functions.

It is made before the evidence, and the evidence is bound to every file in it. So it is the folder that is
registered, and never made anew.
"""

from __future__ import annotations

import shutil
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.bundles.bundle import MODEL, NATIVE, Bundle
from estate.bundles.manifest import write_manifest

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

BUNDLE = "bundle"
_LOADER = "score_frame"
_PACKAGES = {
    "onnx": ("mlflow", "numpy", "onnx", "onnxruntime", "pandas"),
    "xgboost": ("mlflow", "numpy", "pandas", "xgboost-cpu"),
}


def build_model_folder(bundle: Bundle, example: NDArray[np.float32], folder: Path) -> str:
    """Make an MLflow model whose weights are the bundle's, under ``bundle/``, and list its files.

    Parameters
    ----------
    bundle : Bundle
    example : float32 array of shape (n, d)
        A few encoded rows for the model page.
    folder : Path
        To be made.

    Returns
    -------
    str
        SHA-256 over every file: ``artifacts_digest`` of the evidence.
    """
    shutil.rmtree(folder, ignore_errors=True)  # of a try that failed: MLflow wants an empty place
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # importing it warns of MLflow's own type hints
        model = (
            _save_onnx(bundle, example, folder) if bundle.format == "onnx" else _save(bundle, example, folder)
        )
    shutil.copytree(bundle.folder, folder / BUNDLE)
    flavor = model.flavors["python_function"]
    flavor["loader_module"], flavor["data"] = _LOADER, f"{BUNDLE}/{_file(bundle)}"
    # "From a type hint" is MLflow's way to say that the model checks its input itself; see score_frame.py.
    model.signature._is_signature_from_type_hint = True
    model.save(str(folder / "MLmodel"))
    return write_manifest(folder)


def _file(bundle: Bundle) -> str:
    return MODEL if bundle.format == "onnx" else NATIVE


def _save_onnx(bundle: Bundle, example: NDArray[np.float32], folder: Path) -> Model:
    import mlflow.onnx
    import mlflow.pyfunc.model  # loaded late by MLflow, and then it warns
    import onnx
    from mlflow.models import Model

    mlflow.onnx.save_model(
        onnx.load(bundle.folder / MODEL),
        str(folder),
        code_paths=[_loader()],
        signature=_signature(bundle),
        input_example=example,
        pip_requirements=_requirements(bundle),
        save_as_external_data=False,
    )
    (folder / MODEL).unlink()
    model = Model.load(str(folder))
    model.flavors["onnx"]["data"] = f"{BUNDLE}/{MODEL}"
    return model


def _save(bundle: Bundle, example: NDArray[np.float32], folder: Path) -> Model:
    import mlflow.pyfunc
    import mlflow.pyfunc.model
    import pandas as pd
    from mlflow.models import Model

    mlflow.pyfunc.save_model(
        str(folder),
        loader_module=_LOADER,
        code_paths=[_loader()],
        signature=_signature(bundle),
        input_example=pd.DataFrame(example, columns=bundle.encoder.names),
        pip_requirements=_requirements(bundle),
    )
    return Model.load(str(folder))


def _loader() -> str:
    return str(Path(__file__).with_name(f"{_LOADER}.py"))


def _requirements(bundle: Bundle) -> list[str]:
    return [f"{package}=={version(package)}" for package in _PACKAGES[bundle.format]]


def _signature(bundle: Bundle) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.double, name, required=True) for name in bundle.encoder.names
    ]
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.float, name) for name in bundle.classes or ("score",)
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))
