"""XGBoost models that ONNX can't match are kept in XGBoost's own format, and answer the same everywhere."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xgboost import XGBClassifier, XGBRegressor

from estate.bundles import Bundle, NativePredictor, open_predictor, write_manifest
from estate.core.errors import ArtifactError, TrainingError
from estate.core.model_spec import ModelSpec
from estate.training.bundling import write_bundle
from estate.training.export import to_onnx
from estate.training.extract import extract
from estate.training.fit import Trained, fit
from estate.training.model_file import write_model
from estate.training.split import Split, split_by_time
from model_registry import build_model_folder
from tests.specs import band_spec, days_spec, home_spec, write_homes

SMALL: dict[str, Any] = {"n_estimators": 30, "max_depth": 4, "random_state": 0}
SPECS: dict[str, Callable[[Path], ModelSpec]] = {"binary": home_spec, "number": days_spec, "three": band_spec}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_homes(tmp_path_factory.mktemp("homes") / "homes.csv", rows=800)


def trained(spec: ModelSpec, estimator: Any) -> tuple[Trained, Split]:
    parts = split_by_time(spec, extract(spec, None, as_of=datetime.now(UTC)))
    return fit(replace(spec, estimator=lambda seed: estimator), parts), parts


@pytest.fixture(scope="module")
def dart(homes: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return the bundle of a binary model that has no ONNX form."""
    made, parts = trained(home_spec(homes), XGBClassifier(booster="dart", rate_drop=0.3, **SMALL))
    with pytest.raises(TrainingError, match="exported to ONNX"):
        to_onnx(made)
    return write_bundle(made, parts, tmp_path_factory.mktemp("dart"))[0]


@pytest.mark.parametrize("kind", SPECS)
def test_dropped_trees_have_no_onnx_form_and_answer_exactly(kind: str, homes: Path, tmp_path: Path) -> None:
    estimator = XGBRegressor if kind == "number" else XGBClassifier
    made, parts = trained(SPECS[kind](homes), estimator(booster="dart", rate_drop=0.3, **SMALL))
    bundle, difference = write_bundle(made, parts, tmp_path)
    assert (bundle.format, difference) == ("xgboost", 0.0)
    predictor = open_predictor(bundle, "1")
    assert isinstance(predictor, NativePredictor)
    bundle.check_golden(predictor)
    matrix = bundle.encoder.matrix(parts.holdout.features)
    assert np.array_equal(predictor.predict_matrix(matrix).score, made.predict_matrix(matrix).score)
    one_by_one = [predictor.predict_matrix(row[None]).score[0] for row in matrix[:20]]
    assert np.array_equal(one_by_one, predictor.predict_matrix(matrix[:20]).score)
    assert len(predictor.predict_matrix(matrix[:0]).score) == 0


def test_a_graph_that_onnx_runtime_refuses_is_kept_as_xgboost(homes: Path, tmp_path: Path) -> None:
    made, parts = trained(home_spec(homes), XGBClassifier(num_parallel_tree=3, **SMALL))
    to_onnx(made)
    assert write_bundle(made, parts, tmp_path)[0].format == "xgboost"
    assert not (tmp_path / "model.onnx").exists()


def test_what_onnx_can_match_stays_onnx(homes: Path, tmp_path: Path) -> None:
    made, parts = trained(home_spec(homes), XGBClassifier(**SMALL))
    assert write_bundle(made, parts, tmp_path)[0].format == "onnx"


def test_what_neither_can_match_says_what_onnx_said(homes: Path, tmp_path: Path) -> None:
    made, parts = trained(home_spec(homes), XGBClassifier(objective="binary:logitraw", **SMALL))
    with pytest.raises(TrainingError, match="one that can be exported to ONNX, got RuntimeError"):
        write_bundle(made, parts, tmp_path)


def test_mlflow_loads_it_without_a_pickle(
    dart: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    golden = json.loads((dart.folder / "golden.json").read_text())
    matrix = dart.encoder.matrix(dart._typed(golden["features"]))
    build_model_folder(dart, matrix, tmp_path / "model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert model.predict(matrix)["score"].tolist() == pytest.approx(golden["scores"], abs=1e-6)
    names = {path.suffix for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert not names & {".pkl", ".pickle", ".joblib"}


def broken(bundle: Bundle, folder: Path, change: Callable[[bytes], bytes]) -> Bundle:
    folder.mkdir()
    for path in bundle.folder.iterdir():
        content = path.read_bytes()
        (folder / path.name).write_bytes(change(content) if path.name == "model.ubj" else content)
    write_manifest(folder)
    return Bundle.open(folder)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda content: b"", "a file that is none"),
        (lambda content: b"\x80\x04." + content, "a file that is none"),
        (lambda content: content[: len(content) // 2], "a file that is none"),
        (lambda content: content[: len(content) // 2] + b"}", "expected an XGBoost model"),
        (
            lambda content: content.replace(b"binary:logistic", b"binary:logitraw"),
            "got dart of binary:logitraw",
        ),
    ],
    ids=["empty", "pickle", "half", "half closed", "other objective"],
)
def test_a_damaged_model_is_refused(
    dart: Bundle, tmp_path: Path, change: Callable[[bytes], bytes], match: str
) -> None:
    with pytest.raises(ArtifactError, match=match) as raised:
        open_predictor(broken(dart, tmp_path / "broken", change), "1")
    assert "\n" not in str(raised.value)


def test_a_model_of_another_width_is_refused(dart: Bundle, homes: Path, tmp_path: Path) -> None:
    estimator = XGBClassifier(booster="dart", **SMALL).fit(np.eye(40, 3), np.arange(40) % 2)
    other = bytes(estimator.get_booster().save_raw("ubj"))
    with pytest.raises(ArtifactError, match=r"expected \d+ columns and 0 classes, got 3 and"):
        open_predictor(broken(dart, tmp_path / "broken", lambda content: other), "1")


def test_write_model_leaves_one_file(homes: Path, tmp_path: Path, dart: Bundle) -> None:
    made, parts = trained(home_spec(homes), XGBClassifier(booster="dart", **SMALL))
    write_model(made, parts.holdout, replace(dart, folder=tmp_path, calibration=None))
    assert [path.name for path in tmp_path.iterdir()] == ["model.ubj"]
