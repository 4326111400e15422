"""A trained model on disk.

::

    model.onnx         float32 matrix in, calibrated scores out; or, where ONNX can't match, model.ubj:
                       XGBoost's own format, its calibration in features.json
    features.json      task, classes, input columns, encoder, fingerprint of the feature set
    golden.json        rows with the scores that the model must give, anywhere it is loaded
    reference.parquet  a sample of the training rows, for the watch and for reasons
    answers.json       interval and bands of its scores, worth of its features; absent in bundles of before
    manifest.json      SHA-256 of all of these

No other file may be there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from estate.bundles.answers_file import ANSWERS, read_answers
from estate.bundles.bands import Bands
from estate.bundles.calibration import Calibration
from estate.bundles.encoder import EncodedColumn, Encoder
from estate.bundles.intervals import Interval
from estate.bundles.manifest import MANIFEST, check_manifest
from estate.bundles.reference import Reference
from estate.bundles.schema import FeaturesFile, GoldenFile, read_file
from estate.core.errors import ArtifactError
from estate.core.frame import Column, Frame, Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.core.predictor import Predictor

MODEL, FEATURES, GOLDEN, REFERENCE = "model.onnx", "features.json", "golden.json", "reference.parquet"
NATIVE = "model.ubj"
GOLDEN_TOLERANCE = 1e-5
MOST_BYTES = {MODEL: 512_000_000, NATIVE: 512_000_000}
_KNOWN = frozenset({MODEL, NATIVE, FEATURES, GOLDEN, REFERENCE, ANSWERS, MANIFEST})


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
    calibration : Calibration, optional
        Of a binary model in XGBoost's format; an ONNX graph has it inside.
    interval : RateInterval, ValueInterval or LabelSet, optional
        How far an answer may be off; None in old bundles and where too few rows were left to tell.
    bands : Bands, optional
        None in old bundles, and where there are none.
    importance : mapping of str to float
        What shuffling a feature costs in the gate's metric on the frozen rows; empty in old bundles.
    """

    folder: Path
    digest: str
    model: str
    task: Task
    classes: tuple[str, ...]
    fingerprint: str
    inputs: tuple[InputColumn, ...]
    encoder: Encoder
    calibration: Calibration | None = None
    interval: Interval | None = None
    bands: Bands | None = None
    importance: Mapping[str, float] = field(default_factory=dict, hash=False)

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Read a bundle after checking every file against the manifest; no model is loaded.

        Raises
        ------
        ArtifactError
            If it is not whole, or not a bundle.
        """
        digest = check_manifest(folder)
        _check_names(folder)
        raw = read_file(FeaturesFile, folder / FEATURES)
        kept, answers = raw.calibration, read_answers(folder, raw.task)
        return cls(
            folder,
            digest,
            raw.model,
            raw.task,
            raw.classes,
            raw.fingerprint,
            tuple(InputColumn(column.name, column.kind) for column in raw.inputs),
            Encoder(tuple(EncodedColumn(c.name, c.kind, c.levels) for c in raw.encoder)),
            Calibration(kept.a, kept.b, kept.c) if kept else None,
            answers.interval,
            answers.bands,
            answers.importance or {},
        )

    @property
    def format(self) -> Literal["onnx", "xgboost"]:
        """What the model is kept as."""
        return "xgboost" if (self.folder / NATIVE).exists() else "onnx"

    @property
    def format_name(self) -> str:
        """The format's name for a person."""
        return "ONNX" if self.format == "onnx" else "XGBoost UBJSON"

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
        golden = read_file(GoldenFile, self.folder / GOLDEN)
        expected = np.asarray(golden.scores, dtype=np.float64)
        got = predictor.predict_many(self._typed(golden.features)).score
        far = np.abs(got - expected) > GOLDEN_TOLERANCE * np.maximum(1.0, np.abs(expected))
        if far.any() or not np.isfinite(got).all():
            raise ArtifactError(
                f"bundle {self.folder}", expected=f"golden scores {expected.tolist()}", got=f"{got.tolist()}"
            )

    def read_model(self, name: str) -> bytes:
        """Return the content of the model's file.

        Raises
        ------
        ArtifactError
            If it is not there, or too long.
        """
        path = self.folder / name
        what, most = f"{name} of bundle {self.folder}", MOST_BYTES[name]
        try:
            if (size := path.stat().st_size) > most:
                raise ArtifactError(what, expected=f"at most {most:,} bytes", got=f"{size:,}")
            return path.read_bytes()
        except OSError as error:
            raise ArtifactError(what, expected="a readable file", got=type(error).__name__) from error

    def scores(self, raw: Numbers) -> Scores:
        """Return a model's answer of shape (n,) or (n, classes) as scores."""
        if self.task is Task.MULTICLASS:
            return Scores(raw.max(axis=1), raw, self.classes)
        return Scores(raw)

    def no_scores(self) -> Scores:
        """Return the scores of no rows."""
        return Scores(np.empty(0), np.empty((0, len(self.classes))) if self.classes else None, self.classes)

    def _typed(self, columns: dict[str, list[float | str | None]]) -> Frame:
        if set(columns) != {column.name for column in self.encoder.columns}:
            raise ArtifactError(
                f"{GOLDEN} of bundle {self.folder}",
                expected=f"columns {', '.join(column.name for column in self.encoder.columns)}",
                got=", ".join(columns) or "none",
            )
        made: dict[str, Column] = {}
        for column in self.encoder.columns:
            values = columns[column.name]
            if column.kind == "number":
                made[column.name] = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
            else:
                made[column.name] = np.array(values, dtype=object)
        return Frame(made, len(next(iter(made.values()))))


def _check_names(folder: Path) -> None:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    if unknown := sorted(names - _KNOWN):
        raise ArtifactError(
            f"bundle {folder}",
            expected=f"only {', '.join(sorted(_KNOWN))}",
            got=unknown[0],
            todo="Do not use it; promote another version.",
        )
    if {MODEL, NATIVE} <= names:
        raise ArtifactError(f"bundle {folder}", expected="one model", got=f"{MODEL} and {NATIVE}")


def describe(bundle: Bundle) -> str:
    """Return the text of ``features.json``."""
    raw: dict[str, object] = {
        "model": bundle.model,
        "task": bundle.task.value,
        "classes": bundle.classes,
        "fingerprint": bundle.fingerprint,
        "inputs": [{"name": c.name, "kind": c.kind} for c in bundle.inputs],
        "encoder": [{"name": c.name, "kind": c.kind, "levels": c.levels} for c in bundle.encoder.columns],
    }
    if kept := bundle.calibration:
        raw["calibration"] = {"a": kept.a, "b": kept.b, "c": kept.c}
    return json.dumps(raw, indent=1)
