"""A vote that learns whom to believe, and its export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from estate.core.model_spec import ModelSpec
from estate.training.bundling import write_bundle
from estate.training.export import TOLERANCE
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.log_target import LogTarget
from estate.training.split import split_by_time
from estate.training.tabular import tabular_classifier, tabular_regressor
from estate.training.vote_weights import choose_by_log_loss, choose_by_squared_error
from estate.training.weighted_vote import WeightedMean, WeightedVote
from estate.training.wide_columns import WideColumns
from tests.specs import band_spec, days_spec, home_spec, write_homes

Rows = tuple[Any, Any]


def filled(*steps: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), *steps)


def members(seed: int = 0) -> list[tuple[str, Any]]:
    first_two = ColumnTransformer([("some", "passthrough", [0, 1])])
    return [
        ("xgboost", XGBClassifier(n_estimators=20, max_depth=2, n_jobs=1, random_state=seed)),
        ("forest", filled(RandomForestClassifier(10, min_samples_leaf=5, random_state=seed))),
        ("boosting", filled(GradientBoostingClassifier(n_estimators=20, subsample=0.7, random_state=seed))),
        ("logistic", filled(StandardScaler(), LogisticRegression())),
        ("network", filled(StandardScaler(), MLPClassifier((4,), max_iter=800, tol=1e-2, random_state=seed))),
        ("wide", make_pipeline(WideColumns(), StandardScaler(), LogisticRegression())),
        ("two columns", make_pipeline(first_two, filled(StandardScaler(), LogisticRegression()))),
    ]


def rows_of(n: int, seed: int = 0, *, curve: float = 0.5) -> Rows:
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3)).astype(np.float32)
    logit = X[:, 0] + curve * (X[:, 1] ** 2 - 1)
    return X, (random.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)


def test_learned_weights_are_shares_and_no_worse_than_equal_ones_where_they_were_learned() -> None:
    random = np.random.default_rng(0)
    truth = random.uniform(0.05, 1.0, (4, 500)) ** np.array([[0.3], [0.6], [1.0], [2.0]])
    chosen = choose_by_log_loss(list("abcd"), truth, np.ones(500))
    weights = np.array([one.weight for one in chosen])
    assert weights.min() >= 0.0
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] > weights[2]
    assert -np.log(weights @ truth).mean() < -np.log(truth.mean(axis=0)).mean()


def test_weights_are_the_best_that_a_general_solver_finds() -> None:
    random = np.random.default_rng(1)
    truth = np.stack([random.beta(3, 1, 400), random.beta(2.5, 1, 400)])
    chosen = choose_by_log_loss(["a", "b"], truth, np.ones(400))
    shares = np.linspace(0, 1, 2001)
    losses = [-np.log(share * truth[0] + (1 - share) * truth[1]).mean() for share in shares]
    assert chosen[0].weight == pytest.approx(shares[int(np.argmin(losses))], abs=2e-3)


def test_means_of_errors_that_cancel_weigh_the_same() -> None:
    error = np.random.default_rng(2).normal(size=300)
    chosen = choose_by_squared_error(
        ["over", "under", "wild"], np.stack([error, -error, 50 + 9 * error]), np.ones(300)
    )
    assert [round(one.weight, 6) for one in chosen] == [0.5, 0.5, 0.0]


def test_a_useless_member_is_left_out_and_says_what_it_earned() -> None:
    X, y = rows_of(1500)
    vote = WeightedVote([("line", LogisticRegression()), ("rate", DummyClassifier())]).fit(X, y)
    assert vote.kept_ == ("line",)
    assert vote.weights_ == {"line": 1.0, "rate": 0.0}
    assert vote.earned_["rate"] <= vote.errors_["rate"]
    assert vote.earned_["line"] > 3 * vote.errors_["line"]
    assert len(vote.estimators_) == 1


def test_a_member_stays_for_half_a_standard_error_of_what_it_earns() -> None:
    """Of a strong member and one that adds a little: whoever stays has earned it, whoever goes has not."""
    earned = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        truth = np.clip(0.7 + 0.1 * random.normal(size=(2, 300)), 0.05, 0.95)
        chosen = choose_by_log_loss(["one", "other"], truth, np.ones(300))
        weaker = min(chosen, key=lambda one: one.gain)
        earned.append(weaker.gain / weaker.error)
        assert (weaker.weight > 0.0) == (weaker.gain > 0.5 * weaker.error), seed
    assert any(0.5 < share < 1.0 for share in earned)
    assert any(share < 0.5 for share in earned)


def test_the_newest_rows_say_whom_to_believe() -> None:
    """A tree that knew the old world by heart loses to the line that holds in both."""
    random = np.random.default_rng(3)
    X = random.normal(size=(3000, 2)).astype(np.float32)
    old = np.arange(3000) < 1800
    logit = X[:, 0] + np.where(old, 4.0, 0.0) * np.sin(5 * X[:, 1])
    y = (random.random(3000) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    trees = XGBClassifier(n_estimators=60, max_depth=4, n_jobs=1, random_state=0)
    both = [("trees", trees), ("line", LogisticRegression())]
    assert WeightedVote(both).fit(X, y).kept_ == ("line",)
    shuffled = random.permutation(3000)
    assert "trees" in WeightedVote(both).fit(X[shuffled], y[shuffled]).kept_


def test_members_that_know_different_things_are_both_kept_and_better_together() -> None:
    random = np.random.default_rng(4)
    X = random.normal(size=(6000, 2)).astype(np.float32)
    y = (random.random(6000) < 1 / (1 + np.exp(-X.sum(axis=1)))).astype(np.int64)
    one, other = (
        make_pipeline(ColumnTransformer([("column", "passthrough", [i])]), LogisticRegression())
        for i in (0, 1)
    )
    vote = WeightedVote([("one", one), ("other", other)]).fit(X[:4000], y[:4000])
    assert set(vote.kept_) == {"one", "other"}
    alone = clone(one).fit(X[:4000], y[:4000]).predict_proba(X[4000:])
    assert log_loss(y[4000:], vote.predict_proba(X[4000:])) < log_loss(y[4000:], alone)


def test_same_seed_same_bits() -> None:
    X, y = rows_of(600)
    first, second = (WeightedVote(members(7)).fit(X, y) for _ in range(2))
    assert first.weights_ == second.weights_
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))


def test_weights_of_rows_count_in_members_and_in_the_vote() -> None:
    """Rows of weight 0 might as well not be there."""
    X, y = rows_of(1200, curve=0.0)
    wrong = np.random.default_rng(5).random(1200) < 0.4
    spoiled = np.where(wrong, 1 - y, y)
    pair = [("line", LogisticRegression()), ("rate", DummyClassifier())]
    weighed = WeightedVote(pair).fit(X, spoiled, sample_weight=np.where(wrong, 0.0, 1.0))
    plain = WeightedVote(pair).fit(X, spoiled)
    assert log_loss(y, weighed.predict_proba(X)) < log_loss(y, plain.predict_proba(X)) - 0.05
    random = np.random.default_rng(6)
    truth = random.uniform(0.1, 0.9, (2, 400))
    half = np.repeat([1.0, 0.0], 200)
    alone = choose_by_log_loss(["a", "b"], truth[:, :200], np.ones(200))
    assert choose_by_log_loss(["a", "b"], truth, half)[0].weight == pytest.approx(alone[0].weight, abs=1e-6)


def test_too_few_rows_to_tell_give_every_member_the_same_weight() -> None:
    X, y = rows_of(40)
    vote = WeightedVote([("line", LogisticRegression()), ("rate", DummyClassifier())]).fit(X, y)
    assert vote.weights_ == {"line": 0.5, "rate": 0.5}


def test_a_member_without_weights_of_rows_is_refused() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    X, y = rows_of(200)
    with pytest.raises(TypeError, match="sample_weight"):
        WeightedVote([("near", KNeighborsClassifier())]).fit(X, y, sample_weight=np.ones(200))


@pytest.mark.parametrize("named", [[], ["same", "same"]])
def test_members_without_names_of_their_own_are_refused(named: list[str]) -> None:
    with pytest.raises(ValueError, match="expected names, each once"):
        WeightedVote([(name, DummyClassifier()) for name in named]).fit(*rows_of(100))


def regressors() -> list[tuple[str, Any]]:
    return [
        ("forest", filled(RandomForestRegressor(20, min_samples_leaf=5, random_state=0))),
        ("xgboost", XGBRegressor(n_estimators=30, max_depth=3, n_jobs=1, random_state=0)),
        ("ridge", filled(StandardScaler(), Ridge())),
        ("mean", DummyRegressor()),
    ]


def shared(vote: Any) -> Any:
    """Fit without a row to judge on: every member is kept."""
    return vote.set_params(newest=0.999, blocks=1)


@pytest.mark.parametrize("inside", ["alone", "in a pipeline", "every member"])
@pytest.mark.parametrize("make", [home_spec, band_spec])
def test_the_export_answers_as_the_vote_on_every_held_out_row(
    make: Callable[[Path], ModelSpec], inside: str, tmp_path: Path
) -> None:
    vote = WeightedVote(members())
    whole = shared(vote) if inside == "every member" else filled(vote) if inside == "in a pipeline" else vote
    assert exported(make(write_homes(tmp_path / "homes.csv", rows=1200)), whole, tmp_path) <= TOLERANCE


@pytest.mark.parametrize("least_weight", [1e6, 60.0])
def test_trees_that_ask_nothing_are_exported_with_their_rate(least_weight: float, tmp_path: Path) -> None:
    """As with few positives: the first tree finds no question, or none does."""
    trees = XGBClassifier(
        n_estimators=20, max_depth=2, subsample=0.3, min_child_weight=least_weight, random_state=2
    )
    vote = WeightedVote([("trees", trees)])
    assert exported(home_spec(write_homes(tmp_path / "homes.csv", rows=1200)), vote, tmp_path) <= TOLERANCE


@pytest.mark.parametrize("every", [False, True])
def test_the_export_of_a_mean_answers_as_it(every: bool, tmp_path: Path) -> None:
    mean = WeightedMean(regressors()[:3] if every else regressors())
    spec = days_spec(write_homes(tmp_path / "homes.csv", rows=1200))
    assert exported(spec, shared(mean) if every else mean, tmp_path) <= TOLERANCE
    assert "mean" not in mean.fit(*rows_of(900)).kept_


@pytest.mark.thorough
@pytest.mark.parametrize("make", [home_spec, band_spec])
def test_the_estimator_of_any_table_exports(make: Callable[[Path], ModelSpec], tmp_path: Path) -> None:
    spec = make(write_homes(tmp_path / "homes.csv", rows=1200))
    assert exported(spec, tabular_classifier(0), tmp_path) <= TOLERANCE


@pytest.mark.thorough
def test_the_regressor_of_any_table_exports(tmp_path: Path) -> None:
    spec = days_spec(write_homes(tmp_path / "homes.csv", rows=1200))
    assert exported(spec, tabular_regressor(0), tmp_path) <= TOLERANCE


@pytest.mark.parametrize("shift", [0.0, -100.0])
def test_values_learned_in_logarithms_come_back_in_their_unit(shift: float, tmp_path: Path) -> None:
    """Labels that are not all above 0 are learned as they are."""
    X = np.random.default_rng(0).normal(size=(400, 2))
    y = np.exp(1.0 + X[:, 0]) + shift
    made = LogTarget(Ridge(1e-6)).fit(X, y)
    assert made.in_logs_ == (shift == 0.0)
    if made.in_logs_:
        assert made.predict(X) == pytest.approx(y, rel=1e-3)
    spec = days_spec(write_homes(tmp_path / "homes.csv", rows=600))
    target = LogTarget(make_pipeline(WideColumns(), StandardScaler(), Ridge()))
    assert exported(spec, target, tmp_path) <= TOLERANCE


def test_a_half_life_reaches_the_vote(tmp_path: Path) -> None:
    spec = home_spec(write_homes(tmp_path / "homes.csv", rows=1200))
    parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    plain, fading = (
        fit(replace(spec, estimator=lambda _: WeightedVote(members()[:1]), half_life_days=days), parts)
        for days in (None, 5.0)
    )
    matrix = plain.encoder.matrix(parts.holdout.features)
    assert not np.allclose(plain.predict_matrix(matrix).score, fading.predict_matrix(matrix).score)


def exported(spec: ModelSpec, estimator: Any, folder: Path) -> float:
    spec = replace(spec, estimator=lambda _: estimator)
    parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    return write_bundle(fit(spec, parts), parts, folder / "bundle")[1]


def test_a_run_tells_what_became_of_each_member() -> None:
    from sklearn.pipeline import make_pipeline

    from estate.training.members import told_members

    random = np.random.default_rng(5)
    X = random.normal(size=(800, 2)).astype(np.float32)
    y = (X[:, 0] + 0.5 * random.normal(size=800) > 0).astype(np.int64)
    vote = WeightedVote([("line", LogisticRegression()), ("rate", DummyClassifier())])
    told = told_members(make_pipeline(SimpleImputer(), vote).fit(X, y))
    assert list(told) == ["vote.line", "vote.rate"]
    assert told["vote.line"].startswith("weight 1.00, earned 0.")
    assert told["vote.rate"].startswith("left out")
    assert told_members(LogisticRegression().fit(X, y)) == {}
