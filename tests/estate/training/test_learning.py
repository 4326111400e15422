"""From a file to a bundle that answers, for every task."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estate.bundles import Bundle, OnnxPredictor
from estate.bundles.bundle import GOLDEN
from estate.core.errors import ArtifactError, ContractError, NotEnoughData, ParityError, TrainingError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec, TableSource
from estate.training.bundling import write_bundle
from estate.training.check import check_rows
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.metrics import log_loss, measure
from estate.training.split import Split, split_by_time
from serving.rows import frame_of
from tests.specs import band_spec, days_spec, home_spec, write_homes

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_homes(tmp_path_factory.mktemp("homes") / "homes.csv")


def learned(spec: ModelSpec, folder: Path) -> tuple[Bundle, Split]:
    data = extract(spec, None, as_of=NOW)
    check_rows(spec, data)
    parts = split_by_time(spec, data)
    bundle, _ = write_bundle(fit(spec, parts), parts, folder / "bundle")
    return bundle, parts


@pytest.mark.parametrize("make", [home_spec, days_spec, band_spec])
def test_a_bundle_beats_a_constant_and_keeps_its_golden_rows(
    make: Callable[[Path], ModelSpec], homes: Path, tmp_path: Path
) -> None:
    spec = make(homes)
    bundle, parts = learned(spec, tmp_path)
    predictor = OnnxPredictor(bundle, "1")
    bundle.check_golden(predictor)
    scores = predictor.predict_many(parts.holdout.features)
    measures = {m.name: m for m in measure(spec.task, parts.holdout.y, scores)}
    assert "r2" not in measures or measures["r2"].low > 0.3
    assert "log_loss" not in measures or measures["log_loss"].high < np.log(max(2, len(scores.classes)))


@pytest.mark.parametrize("make", [home_spec, days_spec, band_spec])
def test_one_row_scores_the_same_alone_as_among_many(
    make: Callable[[Path], ModelSpec], homes: Path, tmp_path: Path
) -> None:
    bundle, parts = learned(make(homes), tmp_path)
    predictor, rows = OnnxPredictor(bundle, "1"), parts.holdout.features.take(np.arange(50))
    together = predictor.predict_many(rows).score
    alone = [predictor.predict_many(rows.take(np.array([i]))).score[0] for i in range(50)]
    assert together == pytest.approx(
        np.array(alone), rel=1e-6, abs=1e-6
    )  # float32 sums: the runtime's order varies


def test_a_request_needs_the_raw_columns_and_not_the_derived_one(homes: Path, tmp_path: Path) -> None:
    bundle, _ = learned(home_spec(homes), tmp_path)
    assert [(c.name, c.kind) for c in bundle.inputs] == [
        ("rooms", "number"),
        ("price_usd", "number"),
        ("area", "category"),
    ]


def test_reference_holds_features_and_scores_but_no_label(homes: Path, tmp_path: Path) -> None:
    bundle, _ = learned(home_spec(homes), tmp_path)
    reference = bundle.reference()
    assert set(reference.features.columns) == {"rooms", "price_usd", "price_per_room_usd", "area"}
    assert np.array_equal(OnnxPredictor(bundle, "1").predict_many(reference.features).score, reference.scores)


@pytest.mark.parametrize("damage", ["flip", "cut", "drop", "add"])
def test_a_changed_bundle_is_refused_by_name(damage: str, homes: Path, tmp_path: Path) -> None:
    bundle, _ = learned(home_spec(homes), tmp_path)
    file = bundle.folder / "model.onnx"
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[:-10])
    elif damage == "drop":
        file.unlink()
    else:
        file = bundle.folder / "extra.pkl"
        file.write_bytes(b"x")
    with pytest.raises(ArtifactError, match=rf"{file.name}.*sha256"):
        Bundle.open(bundle.folder)


def test_golden_rows_refuse_another_model(homes: Path, tmp_path: Path) -> None:
    bundle, _ = learned(home_spec(homes), tmp_path / "one")
    weaker = home_spec(write_homes(tmp_path / "other.csv", signal=0.2))
    other, _ = learned(weaker, tmp_path / "two")
    with pytest.raises(ArtifactError, match="golden scores"):
        bundle.check_golden(OnnxPredictor(other, "2"))


def test_rows_after_as_of_are_not_seen(homes: Path) -> None:
    early = extract(home_spec(homes), None, as_of=datetime(2024, 2, 1, tzinfo=UTC))
    assert len(early) == 31 * 24 + 1
    assert early.times.max() <= datetime(2024, 2, 1, tzinfo=UTC).timestamp() * 1e6


def test_young_rows_are_left_out_and_not_counted_as_negatives(homes: Path) -> None:
    spec = home_spec(homes)
    assert isinstance(spec.source, TableSource)
    slow = replace(spec, source=replace(spec.source, horizon_days=10))
    data = extract(slow, None, as_of=datetime(2024, 2, 1, tzinfo=UTC))
    assert len(data) == 21 * 24 + 1
    assert data.candidates == 31 * 24 + 1
    assert data.mature_share == pytest.approx(len(data) / data.candidates)


def test_the_holdout_is_the_newest_part(homes: Path) -> None:
    spec = home_spec(homes)
    parts = split_by_time(spec, extract(spec, None, as_of=NOW))
    assert parts.train.times.max() < parts.calibration.times.min()
    assert parts.calibration.times.max() < parts.holdout.times.min()


def test_the_same_data_gives_the_same_bundle(homes: Path, tmp_path: Path) -> None:
    first, _ = learned(home_spec(homes), tmp_path / "one")
    second, _ = learned(home_spec(homes), tmp_path / "two")
    assert first.digest == second.digest


def test_calibrated_probabilities_come_closer_to_the_truth(homes: Path, tmp_path: Path) -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline

    spec = home_spec(homes, estimator=lambda seed: make_pipeline(SimpleImputer(), GaussianNB()))
    parts = split_by_time(spec, extract(spec, None, as_of=NOW))
    trained = fit(spec, parts)
    matrix = trained.encoder.matrix(parts.holdout.features)
    raw = replace(trained, calibration=None).predict_matrix(matrix)
    assert log_loss(parts.holdout.y, trained.predict_matrix(matrix)) < log_loss(parts.holdout.y, raw)


def test_an_estimator_without_onnx_form_is_refused_by_name(homes: Path, tmp_path: Path) -> None:
    class Homemade:
        def fit(self, X: Any, y: Any) -> "Homemade":
            return self

        def predict_proba(self, X: Any) -> Any:
            return np.full((len(X), 2), 0.5)

    with pytest.raises(TrainingError, match=r"Homemade.*exported to ONNX"):
        learned(home_spec(homes, estimator=lambda seed: Homemade()), tmp_path)


def test_an_export_that_answers_otherwise_is_refused(
    homes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estate.training.model_file.TOLERANCE", 1e-12)
    with pytest.raises(ParityError, match="all 400 holdout rows"):
        learned(home_spec(homes), tmp_path)


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    spec = home_spec(write_homes(tmp_path / "few.csv", rows=60))
    with pytest.raises(NotEnoughData, match="at least 100 rows with a ripe label, got 60"):
        split_by_time(spec, extract(spec, None, as_of=NOW))


def test_text_in_a_number_column_names_the_row(tmp_path: Path) -> None:
    path = tmp_path / "homes.csv"
    path.write_text("home_id,listed_at,rooms,price_usd,area,sold\nh1,2024-01-01,three,1,north,yes\n")
    with pytest.raises(ContractError, match="column `rooms`, row 0: expected a number, got 'three'"):
        extract(home_spec(path), None, as_of=NOW)


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "homes.csv"
    path.write_text("home_id,rooms\nh1,3\n")
    with pytest.raises(
        ContractError, match="expected columns price_usd, area, sold, listed_at, got columns home_id"
    ):
        extract(home_spec(path), None, as_of=NOW)


def test_a_column_without_any_value_stops_the_training(homes: Path) -> None:
    spec = home_spec(homes)
    data = extract(spec, None, as_of=NOW)
    columns = {**data.features.columns, "rooms": np.full(len(data), np.nan)}
    with pytest.raises(ContractError, match="`rooms` has no value at all"):
        check_rows(spec, replace(data, features=Frame(columns, len(data))))


def test_the_label_is_no_feature(homes: Path) -> None:
    with pytest.raises(Exception, match="Take the label out of the features"):
        home_spec(homes, features=FeatureSet(numbers=("rooms",), categories=("sold",)))


@pytest.mark.parametrize("make", [home_spec, days_spec, band_spec])
def test_golden_rows_as_a_caller_sends_them_become_the_golden_features(
    make: Callable[[Path], ModelSpec], homes: Path, tmp_path: Path
) -> None:
    bundle, _ = learned(make(homes), tmp_path)
    golden = json.loads((bundle.folder / GOLDEN).read_text())
    features = make(homes).features.compute(frame_of(golden["rows"], bundle.inputs))
    kept = {name: [row[name] for row in features.records()] for name in features.columns}
    assert kept == golden["features"]
