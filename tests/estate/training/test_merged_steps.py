"""Trees of one question become one tree a column that says the same, also of what is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, helper
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from xgboost import XGBClassifier, XGBRegressor

from estate.training import export
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.merged_steps import merge_steps
from estate.training.split import split_by_time
from tests.specs import home_spec, write_homes

COLUMNS = 5
Matrix = NDArray[np.float32]


def rows(count: int, seed: int = 0) -> Matrix:
    """Draw rows with ties, extremes and holes."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, COLUMNS)).round(1)
    x[:, 1] = random.integers(0, 2, count)
    x[random.random(x.shape) < 0.1] = np.nan
    limit = np.finfo(np.float32).max
    x[0], x[1], x[2] = limit, -limit, np.nan
    return x.astype(np.float32)


def labels(x: Matrix) -> NDArray[np.int64]:
    lost = np.isnan(x[:, 2])
    pull = np.nan_to_num(np.clip(x, -3, 3)).sum(axis=1) + 2.0 * lost
    return np.asarray(pull + np.random.default_rng(5).normal(size=len(x)) > 0.5).astype(np.int64)


def of_xgboost(model: Any, target: Callable[[Matrix], Any] = labels) -> ModelProto:
    x = rows(2000)
    model.fit(x, target(x))
    made: ModelProto = convert_xgboost(model, initial_types=[("x", FloatTensorType([None, COLUMNS]))])
    return made


def answers(model: ModelProto, x: Matrix) -> NDArray[np.float64]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options)
    outputs = session.run(None, {session.get_inputs()[0].name: x})
    return np.asarray(outputs[-1], dtype=np.float64)


def trees(model: ModelProto) -> list[int]:
    """Return how many nodes each tree has."""
    (node,) = [node for node in model.graph.node if node.op_type.startswith("TreeEnsemble")]
    (ids,) = [helper.get_attribute_value(a) for a in node.attribute if a.name == "nodes_treeids"]
    counts: list[int] = np.unique(ids, return_counts=True)[1].tolist()
    return counts


def merged(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    merge_steps(copy)
    return copy


def thresholds(model: ModelProto) -> Matrix:
    """Return rows that lie on every threshold, and a hair's breadth below and above it."""
    (node,) = [node for node in model.graph.node if node.op_type.startswith("TreeEnsemble")]
    found = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    made = []
    for column, value, mode in zip(
        found["nodes_featureids"], found["nodes_values"], found["nodes_modes"], strict=True
    ):
        if mode != b"LEAF":
            at = np.float32(value)
            for one in (np.nextafter(at, np.float32(-9e9)), at, np.nextafter(at, np.float32(9e9))):
                row = np.zeros(COLUMNS, dtype=np.float32)
                row[column] = one
                made.append(row)
    return np.stack(made)


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (XGBClassifier(n_estimators=120, max_depth=1, random_state=0), labels),
        (XGBRegressor(n_estimators=120, max_depth=1, random_state=0), lambda x: 10.0 * labels(x) + 3.0),
    ],
    ids=["binary", "regression"],
)
def test_hundreds_of_steps_become_a_tree_a_column_that_says_the_same(
    estimator: Any, target: Callable[[Matrix], Any]
) -> None:
    model = of_xgboost(estimator, target)
    small = merged(model)
    assert len(trees(model)) == 120
    assert len(trees(small)) == COLUMNS
    for x in (rows(5000, seed=1), thresholds(model)):
        np.testing.assert_allclose(answers(small, x), answers(model, x), rtol=2e-6, atol=2e-6)


def test_what_a_training_exports_has_a_tree_a_column(tmp_path: Path) -> None:
    def steps(seed: int) -> XGBClassifier:
        return XGBClassifier(n_estimators=120, max_depth=1, random_state=seed)

    spec = home_spec(write_homes(tmp_path / "homes.csv", rows=1200), estimator=steps)
    parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    trained = fit(spec, parts)
    assert len(trees(export.to_onnx(trained))) <= len(trained.encoder.names)


def test_trees_of_more_questions_stay_as_they_are() -> None:
    # Each tree sees one column; of the one with two values, all it can ask is one question.
    one_column = XGBClassifier(n_estimators=60, max_depth=2, colsample_bytree=1 / COLUMNS, random_state=0)
    model = of_xgboost(one_column)
    steps = trees(model).count(3)
    small = merged(model)
    assert 3 < steps < 57
    assert len(trees(small)) == 60 - steps + 1
    x = np.concatenate([rows(5000, seed=2), thresholds(model)])
    np.testing.assert_allclose(answers(small, x), answers(model, x), rtol=2e-6, atol=2e-6)


def test_steps_of_scikit_learn_which_ask_at_most_not_below_are_merged_too() -> None:
    x = np.nan_to_num(np.clip(rows(2000), -9, 9))
    estimator = GradientBoostingClassifier(n_estimators=80, max_depth=1, random_state=0).fit(x, labels(x))
    model = to_onnx(estimator, x[:1], options={"zipmap": False})
    small = merged(model)
    assert len(trees(small)) <= COLUMNS < len(trees(model))
    asked = np.concatenate([x, thresholds(model)])
    np.testing.assert_allclose(answers(small, asked), answers(model, asked), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(
    "estimator",
    [XGBClassifier(n_estimators=30, max_depth=1, random_state=0), RandomForestClassifier(20, max_depth=1)],
    ids=["boosting", "forest"],
)
def test_several_classes_are_left_alone(estimator: Any) -> None:
    x = np.nan_to_num(np.clip(rows(2000), -3, 3))
    classes = np.digitize(x[:, 0], [-0.5, 0.5])
    if isinstance(estimator, XGBClassifier):
        model = of_xgboost(estimator, lambda given: np.digitize(np.nan_to_num(given[:, 0]), [-0.5, 0.5]))
    else:
        model = to_onnx(estimator.fit(x, classes), x[:1], options={"zipmap": False})
    assert merged(model) == model


def test_what_is_merged_once_stays_so() -> None:
    once = merged(of_xgboost(XGBClassifier(n_estimators=50, max_depth=1, random_state=0)))
    assert merged(once) == once
