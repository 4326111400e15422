"""A trained model on disk.

::

    model.onnx         float32 matrix in, calibrated scores out
    features.json      task, classes, input columns, encoder, fingerprint of the feature set
    golden.json        rows with the scores that the model must give, anywhere it is loaded
    reference.parquet  a sample of the training rows, for the watch
    manifest.json      SHA-256 of all of these
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from estate.bundles.encoder import EncodedColumn, Encoder
from estate.bundles.manifest import check_manifest
from estate.bundles.reference import Reference
from estate.core.errors import ArtifactError
from estate.core.frame import Column, Frame
from estate.core.model_spec import Task
from estate.core.predictor import Predictor

MODEL, FEATURES, GOLDEN, REFERENCE = "model.onnx", "features.json", "golden.json", "reference.parquet"
GOLDEN_TOLERANCE = 1e-5


@dataclass(frozen=True)
class InputColumn:
    """A column that a request must bring."""

    name: str
    kind: Literal["number", "category"]


@dataclass(frozen=True)
class Bundle:
    """What is known of a bundle without computing anything.

    Parameters
    ----------
    folder : Path
    digest : str
        SHA-256 over all files.
    model : str
    task : Task
    classes : tuple of str
        Empty unless multiclass.
    fingerprint : str
        Of the feature set.
    inputs : tuple of InputColumn
        Raw columns of a request row.
    encoder : Encoder
    """

    folder: Path
    digest: str
    model: str
    task: Task
    classes: tuple[str, ...]
    fingerprint: str
    inputs: tuple[InputColumn, ...]
    encoder: Encoder

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Read a bundle after checking every file against the manifest.

        Raises
        ------
        ArtifactError
            If it is not whole, or not a bundle.
        """
        digest = check_manifest(folder)
        try:
            raw = json.loads((folder / FEATURES).read_text())
            encoder = Encoder(
                tuple(EncodedColumn(c["name"], c["kind"], tuple(c["levels"])) for c in raw["encoder"])
            )
            inputs = tuple(InputColumn(c["name"], c["kind"]) for c in raw["inputs"])
            return cls(
                folder,
                digest,
                raw["model"],
                Task(raw["task"]),
                tuple(raw["classes"]),
                raw["fingerprint"],
                inputs,
                encoder,
            )
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise ArtifactError(
                f"bundle {folder}", expected=f"a readable {FEATURES}", got=repr(error)
            ) from error

    @property
    def features(self) -> tuple[InputColumn, ...]:
        """Columns that the model reads, after the feature functions."""
        return tuple(InputColumn(column.name, column.kind) for column in self.encoder.columns)

    def reference(self) -> Reference:
        """Read the training reference."""
        categories = frozenset(column.name for column in self.encoder.columns if column.kind == "category")
        return Reference.read(self.folder / REFERENCE, categories)

    def check_golden(self, predictor: Predictor) -> None:
        """Ask the golden rows.

        Raises
        ------
        ArtifactError
            If any score differs from the one at training by more than 1e-5 (of its size, if above 1).
        """
        golden = json.loads((self.folder / GOLDEN).read_text())
        expected = np.asarray(golden["scores"], dtype=np.float64)
        got = predictor.predict_many(self._typed(golden["features"])).score
        far = np.abs(got - expected) > GOLDEN_TOLERANCE * np.maximum(1.0, np.abs(expected))
        if not len(expected) or far.any() or not np.isfinite(got).all():
            raise ArtifactError(
                f"bundle {self.folder}", expected=f"golden scores {expected.tolist()}", got=f"{got.tolist()}"
            )

    def _typed(self, columns: dict[str, list[float | str | None]]) -> Frame:
        made: dict[str, Column] = {}
        for column in self.encoder.columns:
            values = columns[column.name]
            if column.kind == "number":
                made[column.name] = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
            else:
                made[column.name] = np.array(values, dtype=object)
        return Frame(made, len(next(iter(made.values()))))


def describe(bundle: Bundle) -> str:
    """Return the text of ``features.json``."""
    raw = {
        "model": bundle.model,
        "task": bundle.task.value,
        "classes": bundle.classes,
        "fingerprint": bundle.fingerprint,
        "inputs": [{"name": c.name, "kind": c.kind} for c in bundle.inputs],
        "encoder": [{"name": c.name, "kind": c.kind, "levels": c.levels} for c in bundle.encoder.columns],
    }
    return json.dumps(raw, indent=1)
