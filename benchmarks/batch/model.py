"""Training the model through the platform, and opening it as a batch job has it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.batch.table import spec_of
from estate.bundles import Bundle
from estate.core.prediction import AnsweredBy
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from serving.answering import by_bundle
from serving.models import ServedModel


def train(table: Path, folder: Path) -> Path:
    """Train on a table with labels; returns the folder of the bundle, which is kept as ONNX."""
    spec = spec_of(table)
    parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    bundle, _ = write_bundle(fit(spec, parts), parts, folder)
    assert bundle.format == "onnx", "the benchmark compares with bare ONNX Runtime"
    return folder


def open_served(folder: Path) -> ServedModel:
    """Open a bundle, its golden rows asked, as what answers."""
    spec = spec_of(folder)
    answering = by_bundle(spec, Bundle.open(folder), "1", AnsweredBy.MODEL)
    return ServedModel(spec, spec.features.fingerprint, answering, bare=answering)
