"""What scores let expect is what labels drawn from them show."""

from __future__ import annotations

import numpy as np
import pytest

from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.metrics import metric_named
from monitoring.quality.estimated import (
    ESTIMABLE,
    estimated,
    estimated_skill,
    expected,
    expected_skill,
    skill_once_ripe,
)
from monitoring.quality.skill import skill_function
from tests.monitoring.quality.worlds import labels, scores


@pytest.mark.parametrize("name", ESTIMABLE)
def test_the_expectation_is_the_mean_over_worlds(name: str) -> None:
    metric, p = metric_named(Task.BINARY, name), scores(600, 0)
    drawn = np.array([metric.function(labels(p, seed), Scores(p)) for seed in range(800)])
    error = drawn.std() / np.sqrt(len(drawn))
    # Ratios are taken as ratios of expectations: off by about one part in the number of positives.
    slack = 0.0 if name in {"log_loss", "brier", "accuracy"} else 0.01 * drawn.mean()
    assert expected(name, p) == pytest.approx(drawn.mean(), abs=4 * error + slack)


def test_ties_count_half_in_the_area() -> None:
    assert expected("roc_auc", np.full(50, 0.3)) == pytest.approx(0.5)


def test_two_rows_by_hand() -> None:
    # Pairs of one positive and one negative: the higher row is the positive with 0.8 * 0.7, else 0.2 * 0.3.
    assert expected("roc_auc", np.array([0.3, 0.8])) == pytest.approx(0.56 / 0.62)


@pytest.mark.parametrize("name", ["log_loss", "roc_auc"])
def test_nine_of_ten_windows_lie_in_the_interval(name: str) -> None:
    metric, inside = metric_named(Task.BINARY, name), 0
    told = estimated(metric, scores(500, 1000))
    for seed in range(300):
        p = scores(500, seed)
        inside += told.low <= metric.function(labels(p, seed), Scores(p)) <= told.high
    assert 0.82 <= inside / 300 <= 0.96


def test_of_many_rows_a_sample_gives_an_interval_as_narrow() -> None:
    metric = metric_named(Task.BINARY, "log_loss")
    few, many = (estimated(metric, scores(rows, 0)) for rows in (4_000, 64_000))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4.0, rel=0.25)


def test_skill_falls_where_cases_are_harder_to_tell_apart() -> None:
    easy, hard = (expected_skill("log_loss", scores(2_000, 0, spread=spread)) for spread in (1.2, 0.6))
    assert hard < 0.5 * easy
    assert estimated_skill("log_loss", scores(2_000, 0)).value == easy


def test_skill_once_ripe_has_the_error_that_labels_bring() -> None:
    metric, p = metric_named(Task.BINARY, "log_loss"), scores(800, 0)
    of = skill_function(Task.BINARY, metric)
    drawn = []
    for seed in range(300):
        rows = scores(800, seed)
        drawn.append(of(labels(rows, seed), rows))
    once = skill_once_ripe(metric, p)
    assert once.error == pytest.approx(np.std(drawn), rel=0.25)
    assert once.error > 2 * estimated_skill("log_loss", p).error
