"""Our own short metrics agree with scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as sk

from estate.core.prediction import Scores
from estate.training import metrics


@pytest.fixture
def case() -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Scores]:
    random = np.random.default_rng(0)
    p = random.random(500).round(2)  # rounded: ties
    return (random.random(500) < p).astype(np.float64), Scores(p.clip(0.01, 0.99))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.roc_auc, sk.roc_auc_score),
        (metrics.pr_auc, sk.average_precision_score),
        (metrics.log_loss, sk.log_loss),
        (metrics.brier, sk.brier_score_loss),
        (metrics.mae, sk.mean_absolute_error),
        (metrics.rmse, sk.root_mean_squared_error),
        (metrics.r2, sk.r2_score),
    ],
)
def test_agrees(ours, theirs, case) -> None:  # type: ignore[no-untyped-def]
    y, scores = case
    assert ours(y, scores) == pytest.approx(theirs(y, scores.score))


def test_one_class_has_no_area(case) -> None:  # type: ignore[no-untyped-def]
    _, scores = case
    assert np.isnan(metrics.roc_auc(np.zeros(500), scores))


def test_calibration_error_of_the_truth_is_small_and_of_a_lie_large() -> None:
    random = np.random.default_rng(0)
    p = random.random(20_000)
    y = (random.random(20_000) < p).astype(np.float64)
    assert metrics.calibration_error(y, Scores(p)) < 0.02
    assert metrics.calibration_error(y, Scores(p**3)) > 0.15


def test_lift_of_perfect_scores_is_the_inverse_share() -> None:
    y = np.array([1.0] * 10 + [0.0] * 90)
    assert metrics.lift_top_decile(y, Scores(y)) == pytest.approx(10.0)
