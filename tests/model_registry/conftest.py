"""A real MLflow store on SQLite, migrated once and copied for each test, and a real small ONNX bundle."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from estate.bundles import Bundle, Encoder, InputColumn, Reference, check_manifest, write_manifest
from estate.bundles.bundle import describe
from estate.bundles.encoder import EncodedColumn
from estate.core.evidence import Evidence, Finding, Measure
from estate.core.frame import Frame
from estate.core.model_spec import Task
from estate.signing import KeyRing
from estate.store import evidence as evidence_store
from estate.store.database import Database
from model_registry import DataSource, Registration, Registry, build_model_folder, register

MODEL = "lead_conversion"
COLUMNS = ("visits", "calls", "budget")
Registering = Callable[..., str]


@pytest.fixture
def registry(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a registry of the test's own; its artifacts lie in the test's folder too."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(migrated, tmp_path / "mlflow.db")
    keys = KeyRing(tmp_path / "keys" / "signing.pem", tmp_path / "keys" / "trusted")
    keys.make_signing_key()
    return Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", keys)


def write_bundle(folder: Path, weights: tuple[float, ...] = (0.5, -1.0, 0.25)) -> str:
    """Write a logistic regression over three columns and return its digest."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    constants = [
        numpy_helper.from_array(np.asarray(weights, np.float32).reshape(-1, 1), "w"),
        numpy_helper.from_array(np.asarray([-1], np.int64), "flat"),
    ]
    nodes = [
        helper.make_node("MatMul", ["features", "w"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
        helper.make_node("Reshape", ["probability", "flat"], ["score"]),
    ]
    graph = helper.make_graph(
        nodes,
        "logistic",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(weights)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save_model(model, str(folder / "model.onnx"))
    inputs = tuple(InputColumn(name, "number") for name in COLUMNS)
    encoder = Encoder(tuple(EncodedColumn(name, "number") for name in COLUMNS))
    bundle = Bundle(folder, "", MODEL, Task.BINARY, (), "f", inputs, encoder)
    (folder / "features.json").write_text(describe(bundle))
    score = 1 / (1 + np.exp(-float(np.sum(weights))))
    golden = {"features": {name: [1.0] for name in COLUMNS}, "scores": [score]}
    (folder / "golden.json").write_text(json.dumps(golden))
    Reference(Frame.of({name: [1.0] for name in COLUMNS}), np.array([score])).write(
        folder / "reference.parquet"
    )
    return write_manifest(folder)


def registration(folder: Path, key: str, weights: tuple[float, ...] = (0.5, -1.0, 0.25)) -> Registration:
    """Describe a training whose files are made in ``folder/key``, if they are not there yet."""
    bundle, model = folder / key / "bundle", folder / key / "model"
    if not bundle.exists():
        write_bundle(bundle, weights)
    example = np.asarray([[1, 2, np.nan], [4, 5, 6]], np.float32)
    opened = Bundle.open(bundle)
    whole = (model / "manifest.json").exists()
    return Registration(
        model=MODEL,
        training_key=key,
        folder=model,
        artifacts_digest=check_manifest(model) if whole else build_model_folder(opened, example, model),
        bundle_digest=opened.digest,
        params={"depth": "4"},
        metrics={"log_loss": 0.3},
        tags={"cause": "person"},
        description="# Card\n\nWhat it is for.",
        data=DataSource(name="crm", fingerprint="f" * 64, source="postgres leads", rows=1000),
    )


def evidence_for(registered: Registration, *, verdict: bool = True, trained_by: str = "schedule") -> Evidence:
    """Return what a gate would have said."""
    finding = Finding(
        "GATE101", verdict, f"log loss 0.3100 {'beats' if verdict else 'does not beat'} 0.3000."
    )
    return Evidence(
        model=registered.model,
        training_key=registered.training_key,
        bundle_digest=registered.bundle_digest,
        artifacts_digest=registered.artifacts_digest,
        verdict=verdict,
        findings=(finding,),
        measures=(Measure("log_loss", 0.31, 0.30, 0.32),),
        baseline=(),
        champion=(),
        champion_version=None,
        slices=(),
        data_fingerprint="d",
        feature_fingerprint="f",
        code_version="c",
        as_of=datetime(2026, 1, 5, tzinfo=UTC),
        rows=1000,
        holdout_rows=200,
        mature_share=0.9,
        trained_by=trained_by,
    )


@pytest.fixture
def made(registry: Registry, database: Database, tmp_path: Path) -> Registering:
    """Register a version; ``evidence`` is True (passed), False (failed) or None (there is none)."""

    def make(key: str, *, evidence: bool | None = True, trained_by: str = "schedule") -> str:
        wanted = registration(tmp_path / "bundles", key, weights=(float(len(key)), float(ord(key[-1])), 1.0))
        version = register(registry, database, wanted).version
        if evidence is not None:
            with database.begin() as connection:
                found = evidence_for(wanted, verdict=evidence, trained_by=trained_by)
                assert registry.keys is not None
                signature = registry.keys.signing_key().sign("evidence", found.to_json())
                evidence_store.save(connection, MODEL, version, found, signature)
        return version

    return make


def artifacts(registry: Registry, version: str) -> Path:
    """Return the folder where the test's artifact store keeps a version's bundle."""
    source = registry.client.get_model_version(MODEL, version).source
    assert source is not None
    return Path(source.removeprefix("file://")) / "bundle"


def page(registry: Registry, version: str) -> str:
    """Return the description on a version's page."""
    return registry.client.get_model_version(MODEL, version).description or ""


@dataclass(frozen=True)
class Shown:
    """What a person sees in the MLflow UI."""

    alias: str | None
    stage: list[str]


def shown(registry: Registry) -> Shown:
    """Look at the registry as a person does."""
    alias = registry.client.get_registered_model(MODEL).aliases.get("production")
    found = registry.client.search_model_versions(f"name = '{MODEL}'")
    staged = sorted(str(version.version) for version in found if version.current_stage == "Production")
    return Shown(None if alias is None else str(alias), staged)


def move_stage(registry: Registry, version: str, stage: str, *, archive: bool = True) -> None:
    """Use the old stage menu."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        registry.client.transition_model_version_stage(MODEL, version, stage, archive)
