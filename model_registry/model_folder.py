"""The MLflow model folder around a bundle: what makes a version loadable with MLflow's own functions."""

from __future__ import annotations

import shutil
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

BUNDLE = "bundle"
_LOADER = "score_frame"
_PACKAGES = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas")


def write_model_folder(
    folder: Path,
    bundle: Path,
    *,
    columns: tuple[str, ...],
    outputs: tuple[str, ...],
    example: NDArray[np.float32],
) -> None:
    """Make an MLflow model of flavor onnx whose weights are the bundle's, under ``bundle/``.

    Parameters
    ----------
    folder : Path
        To be made.
    bundle : Path
        Folder with ``model.onnx``.
    columns, outputs : tuple of str
        Names of the matrix's d columns and of the score's columns.
    example : float32 array of shape (n, d)
    """
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # importing it warns of MLflow's own type hints
        import mlflow.onnx
        import mlflow.pyfunc.model  # loaded late by MLflow, and then it warns
    from mlflow.models import Model

    mlflow.onnx.save_model(
        onnx.load(bundle / "model.onnx"),
        str(folder),
        code_paths=[str(Path(__file__).with_name(f"{_LOADER}.py"))],
        signature=_signature(columns, outputs),
        input_example=example,
        pip_requirements=[f"{package}=={version(package)}" for package in _PACKAGES],
        save_as_external_data=False,
    )
    (folder / "model.onnx").unlink()
    shutil.copytree(bundle, folder / BUNDLE)
    model = Model.load(str(folder))
    for flavor in model.flavors.values():
        flavor["data"] = f"{BUNDLE}/model.onnx"
    model.flavors["python_function"]["loader_module"] = _LOADER
    # "From a type hint" is MLflow's way to say that the model checks its input itself; see score_frame.py.
    model.signature._is_signature_from_type_hint = True
    model.save(str(folder / "MLmodel"))


def _signature(columns: tuple[str, ...], outputs: tuple[str, ...]) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    return ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name, required=True) for name in columns]),
        outputs=Schema([ColSpec(DataType.float, name) for name in outputs]),
    )
