"""A model that learns from its calibration rows too, and is calibrated all the same."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import Split, split_by_time
from tests.specs import home_spec, write_homes

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_homes(tmp_path_factory.mktemp("homes") / "homes.csv")


def test_a_refit_learns_from_the_calibration_rows_too(homes: Path) -> None:
    spec = home_spec(homes)
    parts = split_by_time(spec, extract(spec, None, as_of=NOW))
    once, again = fit(spec, parts), fit(replace(spec, refit=True), parts)
    both = parts.train.followed_by(parts.calibration)
    learned = once.encoder.matrix(both.features), both.y.astype(np.int64)
    matrix = once.encoder.matrix(parts.holdout.features)
    expected = spec.estimator(spec.seed).fit(*learned).predict_proba(matrix)
    assert np.array_equal(again.estimator.predict_proba(matrix), expected)
    assert not np.array_equal(once.estimator.predict_proba(matrix), expected)


class Remembering(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says which share of positives it has seen, and keeps every row that it was fitted on or asked for."""

    fitted: ClassVar[list[set[float]]] = []
    asked: ClassVar[list[set[float]]] = []

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        self.classes_, self.rate_ = np.unique(y), y.mean()
        self.fitted.append(set(X[:, 0].tolist()))
        return self

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        self.asked.append(set(X[:, 0].tolist()))
        return np.tile([1 - self.rate_, self.rate_], (len(X), 1))


def remembering(_seed: int) -> Remembering:
    return Remembering()


def numbered_spec(estimator: Callable[[int], Any]) -> ModelSpec:
    return ModelSpec(
        name="numbered",
        purpose="Rows that know their number.",
        task=Task.BINARY,
        source=TableSource(path="none.csv", label="y"),
        features=FeatureSet(numbers=("number",)),
        estimator=estimator,
        gate=Gate(metric="log_loss"),
        refit=True,
    )


def numbered(labels: NDArray[np.float64], cases: NDArray[np.object_]) -> TrainingData:
    rows = Frame({"number": np.arange(len(labels), dtype=np.float64)}, len(labels))
    return TrainingData(rows, labels, (), cases, np.arange(len(labels)), len(labels), ("number",), rows)


def test_a_refit_is_calibrated_on_rows_that_it_was_not_fitted_on() -> None:
    y = np.arange(400) % 3 == 0
    data = numbered(y.astype(np.float64), np.array([f"case {row // 2}" for row in range(400)], dtype=object))
    parts = Split(*(data.take(np.arange(*ends)) for ends in ((0, 200), (200, 300), (300, 400))))
    Remembering.fitted, Remembering.asked = [], []
    fit(numbered_spec(remembering), parts)
    one, other, last = Remembering.fitted
    assert last == set(range(300))
    assert one | other == last
    assert one & other == set(range(200))
    assert Remembering.asked == [last - one, last - other]
    for rows in Remembering.asked:  # both rows of a case are in one half
        assert rows == {float(int(row) ^ 1) for row in rows}


def test_a_sudden_drift_is_not_corrected_twice() -> None:
    """Rows that say when they are, and a share of positives that falls to a fifth before the end."""
    random = np.random.default_rng(5)
    late = np.arange(4000) >= 3200
    y = (random.random(4000) < np.where(late, 0.06, 0.3)).astype(np.float64)
    rows = Frame({"number": late + random.normal(0.0, 0.01, 4000)}, 4000)
    cases = np.arange(4000).astype(str).astype(object)
    data = TrainingData(rows, y, (), cases, np.arange(4000), 4000, ("number",), rows)
    parts = Split(*(data.take(np.arange(*ends)) for ends in ((0, 3200), (3200, 3600), (3600, 4000))))
    spec = numbered_spec(lambda _seed: LogisticRegression(C=100.0))
    trained = fit(spec, parts)
    said = trained.predict_matrix(trained.encoder.matrix(parts.holdout.features)).score
    assert said.mean() == pytest.approx(parts.holdout.y.mean(), abs=0.03)
