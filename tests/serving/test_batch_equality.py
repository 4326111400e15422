"""A table is scored as its rows are one by one over HTTP: to the bit, whatever kind of file it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from estate.bundles import Encoder
from estate.bundles.encoder import EncodedColumn
from estate.core.frame import Frame
from serving.batch import BatchOptions, score_rows
from serving.batch.straight import matrices
from serving.batch.typed import read_codes, read_numbers
from serving.models import ServedModel
from serving.row_features import features_of_rows
from tests.serving.homes import plain_spec, serve, table, write_training
from tests.specs import band_spec, days_spec, home_spec

ROWS = 300


def dart(seed: int) -> Any:
    """Return an estimator that has no ONNX form."""
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=15, max_depth=3, booster="dart", rate_drop=0.4, random_state=seed)


def trees(seed: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=15, max_depth=3, random_state=seed)


def trees_spec(path: Path) -> Any:
    return replace(plain_spec(path), estimator=trees)


def native_spec(path: Path) -> Any:
    return replace(plain_spec(path), estimator=dart)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    folder = tmp_path_factory.mktemp("plain")
    return serve(plain_spec(write_training(folder)), folder / "bundle")


def one_by_one(served: ServedModel, rows: pd.DataFrame) -> tuple[list[float], list[str | None]]:
    """Score each row as a request of its own."""
    assert served.answering is not None
    scores, labels = [], []
    for row in json.loads(rows.replace([np.inf], np.nan).to_json(orient="records", double_precision=15)):
        features = features_of_rows(served.spec, served.answering, [row])
        found = served.answering.predictor.predict_many(features)
        scores.append(float(found.score[0]))
        labels += found.labels()
    return scores, labels


@pytest.mark.parametrize("make", [plain_spec, home_spec, days_spec, band_spec, native_spec, trees_spec])
def test_every_kind_of_model_scores_rows_as_one_by_one(make: Callable[[Path], Any], tmp_path: Path) -> None:
    served = serve(make(write_training(tmp_path)), tmp_path / "bundle")
    rows = table(ROWS).replace({1e300: 2e5, -1e39: 1e5, 1e-320: 0.0})  # JSON of pandas keeps 15 digits
    rows["price_usd"] = rows["price_usd"].round(2)
    rows.to_parquet(tmp_path / "in.parquet")
    score_rows(served, tmp_path / "in.parquet", tmp_path / "out.parquet", BatchOptions(rows_at_once=64))
    scored = pd.read_parquet(tmp_path / "out.parquet")
    scores, labels = one_by_one(served, rows)
    if make in {native_spec, trees_spec}:
        assert scored["score"].tolist() == scores
    else:  # a product of matrices adds one row alone in another order
        assert scored["score"].to_numpy() == pytest.approx(scores, rel=1e-6, abs=1e-6)
    if any(labels):
        assert scored["label"].tolist() == labels


def test_kinds_of_files_give_the_same_scores(served: ServedModel, tmp_path: Path) -> None:
    rows = table(ROWS)
    made: dict[str, Callable[[Path], Any]] = {
        "in.csv": lambda path: rows.to_csv(path, index=False),
        "in.csv.gz": lambda path: rows.to_csv(path, index=False),
        "in.parquet": lambda path: rows.to_parquet(path, row_group_size=70),
        "in.arrow": lambda path: pyarrow.feather.write_feather(rows, path, chunksize=33),
        "parts": lambda path: in_parts(rows, path),
    }
    scores = {}
    for name, write in made.items():
        write(tmp_path / name)
        for out in ("out.csv", "out.parquet", "out.csv.gz"):
            score_rows(served, tmp_path / name, tmp_path / out, BatchOptions(rows_at_once=64))
            scored = read(tmp_path / out)
            assert scored["home_id"].tolist() == rows["home_id"].tolist()
            assert scored["note"].tolist() == rows["note"].tolist()
            scores[name, out] = scored["score"].to_numpy().tobytes()
    assert len(set(scores.values())) == 1


def in_parts(rows: pd.DataFrame, folder: Path) -> None:
    folder.mkdir()
    (folder / "_SUCCESS").write_text("")
    rows[:120].to_parquet(folder / "part-0.parquet")
    rows[120:].astype({"rooms": "int32"}).to_parquet(folder / "part-1.parquet")


def read(path: Path) -> pd.DataFrame:
    return (
        pd.read_parquet(path)
        if path.suffix == ".parquet"
        else pd.read_csv(path, float_precision="round_trip")
    )


def test_more_workers_and_other_chunks_change_nothing(served: ServedModel, tmp_path: Path) -> None:
    table(1000).to_parquet(tmp_path / "in.parquet")
    found = set()
    for workers, rows in ((1, 1000), (4, 37), (2, 4096)):
        options = BatchOptions(workers=workers, rows_at_once=rows)
        score_rows(served, tmp_path / "in.parquet", tmp_path / "out.parquet", options)
        found.add(pd.read_parquet(tmp_path / "out.parquet")["score"].to_numpy().tobytes())
    assert len(found) == 1


def test_the_written_parquet_is_one_that_everybody_reads(served: ServedModel, tmp_path: Path) -> None:
    rows = table(1000)
    rows.to_parquet(tmp_path / "in.parquet")
    score_rows(served, tmp_path / "in.parquet", tmp_path / "out.parquet", BatchOptions(rows_at_once=100))
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert (file.metadata.num_rows, file.num_row_groups) == (1000, 10)
    assert file.read_row_group(7)["home_id"].to_pylist() == [f"h{i}" for i in range(700, 800)]
    whole = pq.read_table(tmp_path / "out.parquet", filters=[("home_id", "=", "h777")])
    assert whole["rooms"].to_pylist() == [rows["rooms"][777]]
    groups = [file.metadata.row_group(i).column(0).statistics for i in range(10)]
    assert all(group.min <= group.max for group in groups)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, None, 3], pa.int64()),
        pa.array([1.5, None, float("nan")], pa.float32()),
        pa.array([float("inf"), -1e39, 1e-320]),
        pa.array([True, None, False]),
        pa.array([None, None, None]),
        pa.array(["1", " 2.5 ", ""]),
        pa.array([3, 1, 2], pa.uint8()),
        pa.array(["1", "2", "1"]).dictionary_encode(),
    ],
)
def test_columns_become_the_matrix_of_the_encoder(values: Any) -> None:
    from estate.training.table import numbers, plain_frame

    encoder = Encoder((EncodedColumn("x", "number"), EncodedColumn("y", "category", ("1", "3", "true"))))
    frame = pa.table({"x": values, "y": values}).to_pandas()
    if frame["x"].dtype.name == "category":
        frame = frame.astype(object)
    categories = plain_frame(frame[["y"]], {"y": "category"})["y"]
    expected = encoder.matrix(Frame({"x": numbers(frame["x"]), "y": categories}, len(frame)))
    columns: dict[str, Any] = {
        "x": read_numbers(values, frozenset()).values,
        "y": read_codes(values, frozenset()),
    }
    (matrix,) = matrices(encoder, columns, len(values))
    assert matrix.tobytes() == expected.tobytes()


def test_a_category_of_numbers_is_read_as_training_reads_the_whole_file(
    served: ServedModel, tmp_path: Path
) -> None:
    """``3.0`` is ``3`` where all are numbers, however late in the file one of another kind would come."""
    rows = table(200)
    rows["floor"] = rows["floor"].astype(float).where(rows.index < 150)
    rows.to_csv(tmp_path / "in.csv", index=False)
    scored = {}
    for name, frame in (("a", rows), ("b", rows.assign(floor=rows["floor"].astype("Int64")))):
        frame.to_csv(tmp_path / "in.csv", index=False)
        score_rows(served, tmp_path / "in.csv", tmp_path / f"{name}.csv", BatchOptions(rows_at_once=50))
        scored[name] = read(tmp_path / f"{name}.csv")["score"].tolist()
    assert scored["a"] == scored["b"]


def test_csv_to_csv_keeps_what_was_written(served: ServedModel, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('rooms,price_usd,area,floor,code\n3,250000.50,north,1,007\n2,NA,"a, b",2,\n')
    score_rows(served, source, tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.replace('"', "").split(",")[:2] for line in lines[1:]] == [["3", "250000.50"], ["2", "NA"]]
    scored = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert scored["code"].tolist() == ["007", ""]
    assert scored["area"].tolist() == ["north", "a, b"]


def test_a_scored_file_can_be_scored_again(served: ServedModel, tmp_path: Path) -> None:
    table(50).to_parquet(tmp_path / "in.parquet")
    score_rows(served, tmp_path / "in.parquet", tmp_path / "out.parquet")
    once = pd.read_parquet(tmp_path / "out.parquet")
    score_rows(served, tmp_path / "out.parquet", tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "out.parquet").drop(columns="at"), once.drop(columns="at")
    )


@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_a_table_without_rows_has_its_columns(served: ServedModel, tmp_path: Path, out: str) -> None:
    table(10)[:0].astype({"area": "str"}).to_parquet(tmp_path / "in.parquet")
    assert score_rows(served, tmp_path / "in.parquet", tmp_path / out).rows == 0
    scored = read(tmp_path / out)
    assert len(scored) == 0
    assert [*scored.columns][-4:] == ["interval_high", "version", "answered_by", "at"]


def test_bands_and_intervals_of_the_version_are_columns(served: ServedModel, tmp_path: Path) -> None:
    table(200).to_parquet(tmp_path / "in.parquet")
    score_rows(served, tmp_path / "in.parquet", tmp_path / "out.parquet")
    scored = pd.read_parquet(tmp_path / "out.parquet")
    bundle = served.answering.bundle if served.answering else None
    assert bundle is not None
    assert bundle.bands is not None
    assert bundle.interval is not None
    assert scored["band"].tolist() == [bundle.bands.of(score) for score in scored["score"]]
    assert (scored["interval_low"] <= scored["interval_high"]).all()
