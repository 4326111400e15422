"""A search finds what is there, keeps the spec's own parameters where nothing is, and never reads the end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estate.core.errors import TrainingError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.core.prediction import Scores
from estate.core.search import Choice, Float, Int, Search
from estate.features.events import DAY_US
from estate.training.data import TrainingData
from estate.training.metrics import calibration_error
from estate.training.search import Found, search_parameters
from tasks.learn import fit_model

ROWS = 2000
DEEP = 12
"""Overfits these rows."""


def tree(seed: int, max_depth: int = DEEP, min_samples_leaf: int = 1) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(
        max_depth=max_depth, min_samples_leaf=min_samples_leaf, max_features=2, random_state=seed
    )


SEARCH = Search(space={"max_depth": Int(1, 12), "min_samples_leaf": Int(1, 300, log=True)}, trials=16)
SPEC = ModelSpec(
    name="searched",
    purpose="A world whose best parameters are known.",
    task=Task.BINARY,
    source=TableSource(path="none.csv", label="y", time="at"),
    features=FeatureSet(numbers=("a", "b", "c"), categories=()),
    estimator=tree,
    search=SEARCH,
    seed=3,
)


def world(signal: float = 1.5, *, rows: int = ROWS, level: float = 0.0, seed: int = 0) -> TrainingData:
    """Rows in order of time; the label's log odds are linear in `a` and `b`."""
    random = np.random.default_rng(seed)
    a, b, c = random.normal(size=(3, rows))
    y = (random.random(rows) < 1 / (1 + np.exp(-(signal * (a + 0.5 * b) + level)))).astype(np.float64)
    frame = Frame({"a": a, "b": b, "c": c}, rows)
    ids = np.array([str(i) for i in range(rows)], dtype=object)
    times = (np.arange(rows) * (DAY_US // 10)).astype(np.int64)
    return TrainingData(frame, y, (), ids, times, rows, ("a", "b", "c"), frame)


def states(found: Found) -> list[str]:
    return [trial.state for trial in found.trials]


@pytest.fixture(scope="module")
def found() -> Found:
    return search_parameters(SPEC, world())


def test_a_real_gain_is_found(found: Found) -> None:
    assert not found.summary.kept_own
    assert found.parameters != {"max_depth": DEEP, "min_samples_leaf": 1}
    assert found.summary.own is not None
    assert found.summary.chosen is not None
    assert found.summary.gain_low is not None
    assert found.summary.chosen < found.summary.own - 0.02
    assert 0 < found.summary.gain_low < found.summary.own - found.summary.chosen


def test_the_same_seed_gives_the_same_to_the_bit_and_another_one_other_trials(found: Found) -> None:
    assert search_parameters(SPEC, world()) == found
    assert search_parameters(replace(SPEC, seed=4), world()).trials != found.trials


def test_the_specs_own_parameters_are_the_first_trial(found: Found) -> None:
    assert found.trials[0].parameters == {"max_depth": DEEP, "min_samples_leaf": 1}
    assert found.trials[0].state == "complete"


def test_what_is_worse_than_the_median_is_given_up_before_its_last_block(found: Found) -> None:
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert found.summary.pruned == len(pruned)
    assert all(2 <= len(trial.values) < 4 for trial in pruned)
    assert all(len(trial.values) == 4 for trial in found.trials if trial.state == "complete")


@pytest.mark.thorough
@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_can_be_learned_the_specs_own_parameters_stay(seed: int, metric: str) -> None:
    spec = replace(SPEC, gate=Gate(metric=metric), seed=seed)
    found = search_parameters(spec, world(0.0, seed=seed))
    assert found.summary.kept_own
    assert found.parameters == {}
    assert found.spec(spec) is spec
    assert [one.chosen for one in found.summary.parameters] == [str(DEEP), "1"]


def test_the_chosen_parameters_reach_the_estimator_that_is_trained() -> None:
    learned = fit_model.fn(SPEC, world())
    assert learned.found is not None
    fitted = learned.trained.estimator.get_params()
    assert {name: fitted[name] for name in SEARCH.space} == learned.found.parameters
    assert learned.found.parameters["min_samples_leaf"] > 10


def test_the_rows_that_calibrate_and_judge_are_not_looked_at() -> None:
    """Their labels are turned round: whatever they say, trials and choice are the same."""
    before, poisoned = world(), world()
    train = len(fit_model.fn(SPEC, before).parts.train)
    poisoned.y[train:] = 1 - poisoned.y[train:]
    assert train == ROWS * 65 // 100
    assert fit_model.fn(SPEC, poisoned).found == fit_model.fn(SPEC, before).found


def slow(seed: int, max_depth: int = 3) -> Any:
    time.sleep(0.02)
    return tree(seed, max_depth)


def test_minutes_end_a_search_and_it_says_so() -> None:
    search = Search(space={"max_depth": Int(1, 12)}, trials=1000, minutes=0.005, patience=1000)
    found = search_parameters(replace(SPEC, estimator=slow, search=search), world())
    assert found.summary.ended_by == "minutes"
    assert 1 <= len(found.trials) < 100
    assert set(states(found)[:-1]) <= {"complete", "pruned"}


def test_minutes_that_end_within_the_first_trial_keep_the_specs_own() -> None:
    search = Search(space={"max_depth": Int(1, 12)}, minutes=0.0002)
    found = search_parameters(replace(SPEC, estimator=slow, search=search), world())
    assert (states(found), found.summary.ended_by, found.parameters) == (["stopped"], "minutes", {})


def test_patience_ends_a_search() -> None:
    search = replace(SEARCH, trials=100, patience=4)
    found = search_parameters(replace(SPEC, search=search), world(0.0))
    complete = [(trial.value, trial.number) for trial in found.trials if trial.state == "complete"]
    assert found.summary.ended_by == "patience"
    assert len(found.trials) == min(complete)[1] + 1 + 4


def picky(seed: int, max_depth: int = 3) -> Any:
    if max_depth > 6:
        raise MemoryError("too deep")
    return tree(seed, max_depth, 20)


def test_a_trial_that_fails_is_not_the_end() -> None:
    spec = replace(SPEC, estimator=picky, search=Search(space={"max_depth": Int(1, 12)}, trials=8))
    found = search_parameters(spec, world())
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert 0 < len(failed) == found.summary.failed < 8
    assert all("MemoryError: too deep" in trial.reason for trial in failed)
    assert "MemoryError: too deep" in found.summary.reason
    assert found.summary.ended_by == "trials"


def test_the_best_trial_is_taken_where_the_specs_own_parameters_fail() -> None:
    def deep_first(seed: int, max_depth: int = 9) -> Any:
        return picky(seed, max_depth)

    spec = replace(SPEC, estimator=deep_first, search=Search(space={"max_depth": Int(1, 12)}, trials=8))
    found = search_parameters(spec, world())
    assert found.parameters["max_depth"] <= 6
    assert "the spec's own parameters failed" in found.summary.sentence


def test_the_training_ends_where_every_trial_fails() -> None:
    def never(seed: int, max_depth: int = 9) -> Any:
        return picky(seed, 99)

    spec = replace(SPEC, estimator=never, search=Search(space={"max_depth": Int(1, 12)}, trials=4))
    with pytest.raises(
        TrainingError, match=r"search of model `searched`.*4 failed trials, the first: .*too deep"
    ):
        search_parameters(spec, world())


def logistic(seed: int, class_weight: str | None = "balanced", C: float = 1.0) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight=class_weight, C=C)


def test_rare_positives_are_calibrated_whatever_weights_they_have() -> None:
    """2 % of the rows: raw scores of balanced classes are far off, those of a version are not."""
    space: dict[str, Any] = {"C": Float(0.001, 10.0, log=True), "class_weight": Choice((None, "balanced"))}
    spec = replace(SPEC, estimator=logistic, search=Search(space=space, trials=6))
    learned = fit_model.fn(spec, world(1.0, rows=12_000, level=-4.5))
    holdout = learned.parts.holdout
    assert 0.01 < holdout.y.mean() < 0.03
    matrix = learned.trained.encoder.matrix(holdout.features)
    assert calibration_error(holdout.y, learned.trained.predict_matrix(matrix)) < 0.008
    assert learned.found is not None
    balanced = [t for t in learned.found.trials if t.parameters["class_weight"] == "balanced"]
    assert balanced[0].number == 0
    assert balanced[0].value < 0.1, "compared after calibration; uncalibrated it is above 0.4"
    raw = Scores(learned.trained.estimator.predict_proba(matrix)[:, 1])
    if learned.trained.estimator.class_weight == "balanced":
        assert calibration_error(holdout.y, raw) > 0.2


def regressor(seed: int, alpha: float = 1e4, sizes: tuple[int, ...] = (1, 2)) -> Any:
    from sklearn.linear_model import Ridge

    assert isinstance(sizes, tuple)
    return Ridge(alpha=alpha)


@pytest.mark.thorough
@pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
def test_a_regression_is_searched(metric: str) -> None:
    data = world()
    data.y[:] = 3 * data.features["a"] + data.features["b"]
    space: dict[str, Any] = {"alpha": Float(0.01, 1e5, log=True), "sizes": Choice(((1, 2), (3,)))}
    spec = replace(
        SPEC, task=Task.REGRESSION, estimator=regressor, gate=Gate(metric=metric),
        search=Search(space=space, trials=8),
    )  # fmt: skip
    assert search_parameters(spec, data).parameters["alpha"] < 1e3


@pytest.mark.thorough
def test_several_classes_are_searched() -> None:
    data = replace(world(), classes=("low", "middle", "high"))
    data.y[:] = np.digitize(data.features["a"], [-0.5, 0.5])
    spec = replace(SPEC, task=Task.MULTICLASS, search=replace(SEARCH, trials=4))
    found = search_parameters(spec, data)
    assert states(found)[0] == "complete"
    assert found.summary.metric == "log_loss"


def test_too_few_rows_are_not_searched() -> None:
    found = search_parameters(SPEC, world().take(np.arange(350)))
    assert (found.trials, found.parameters, found.summary.ended_by) == ((), {}, "rows")


def test_progress_is_told_every_few_trials() -> None:
    said: list[str] = []
    search_parameters(replace(SPEC, search=replace(SEARCH, trials=7)), world(), say=said.append)
    assert [line.split(",")[0] for line in said[:2]] == ["search: trial 1 of 7", "search: trial 6 of 7"]
    assert said[2].startswith("search: 7 trials")
    assert len(said) == 3


def test_a_spec_without_a_search_is_trained_as_before() -> None:
    assert fit_model.fn(replace(SPEC, search=None), world()).found is None
