"""Every rule of the gate refuses what it is there to refuse."""

from dataclasses import replace

import numpy as np
import pytest

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.core.prediction import Scores
from estate.training.data import TrainingData
from estate.training.gate import Contest, Judgement, baseline_scores, judge, paired_gain
from estate.training.metrics import metric_named
from tests.specs import logistic

ROWS = 1000


def spec(**gate: object) -> ModelSpec:
    return ModelSpec(
        name="some_model",
        purpose="Some purpose.",
        task=Task.BINARY,
        source=TableSource(path="none.csv", label="y"),
        features=FeatureSet(numbers=("x",)),
        estimator=logistic,
        gate=Gate(**gate),  # type: ignore[arg-type]
    )


def holdout(truth: Numbers, seed: int = 0) -> TrainingData:
    y = (np.random.default_rng(seed).random(len(truth)) < truth).astype(np.float64)
    frame = Frame.of({"x": truth})
    order = np.arange(len(truth), dtype=np.int64)
    return TrainingData(frame, y, (), order.astype(object), order, len(truth), ("x",), frame)


@pytest.fixture
def truth() -> Numbers:
    return np.random.default_rng(1).beta(1.0, 3.0, ROWS)


def judged(
    rows: TrainingData, challenger: Numbers, *, champion: Numbers | None = None, **gate: object
) -> Judgement:
    contest = Contest(
        challenger=Scores(challenger),
        baseline=Scores(np.full(len(rows), rows.y.mean())),
        baseline_name="a constant",
        champion=Scores(champion) if champion is not None else None,
        champion_version="7" if champion is not None else None,
        parity=1e-7,
    )
    return judge(spec(**gate), rows, contest)


def refused(judgement: Judgement) -> set[str]:
    return {finding.code for finding in judgement.findings if not finding.passed}


def test_a_good_first_version_passes(truth: Numbers) -> None:
    judgement = judged(holdout(truth), truth)
    assert judgement.verdict
    assert {f.code for f in judgement.findings} == {"GATE101", "GATE104", "GATE105", "GATE106"}


def test_gate101_refuses_too_few_rows(truth: Numbers) -> None:
    assert refused(judged(holdout(truth), truth, holdout_rows=ROWS + 1)) == {"GATE101"}


def test_gate101_counts_the_rarer_outcome(truth: Numbers) -> None:
    rows = holdout(truth)
    assert refused(judged(rows, truth, holdout_positives=int(rows.y.sum()) + 1)) == {"GATE101"}


@pytest.mark.parametrize(("metric", "bound"), [("log_loss", 0.05), ("roc_auc", 0.99)])
def test_gate102_refuses_a_metric_beyond_its_bound(truth: Numbers, metric: str, bound: float) -> None:
    assert refused(judged(holdout(truth), truth, metric=metric, bound=bound)) == {"GATE102"}


def test_gate103_refuses_a_challenger_that_is_no_better(truth: Numbers) -> None:
    assert refused(judged(holdout(truth), truth, champion=truth)) == {"GATE103"}


def test_gate103_lets_a_better_challenger_through(truth: Numbers) -> None:
    noisy = np.clip(truth + np.random.default_rng(2).normal(0, 0.2, ROWS), 0.01, 0.99)
    assert judged(holdout(truth), truth, champion=noisy).verdict


def test_gate103_asks_for_the_margin(truth: Numbers) -> None:
    noisy = np.clip(truth + np.random.default_rng(2).normal(0, 0.2, ROWS), 0.01, 0.99)
    assert refused(judged(holdout(truth), truth, champion=noisy, margin=0.5)) == {"GATE103"}


def test_gate104_refuses_a_first_version_that_knows_nothing(truth: Numbers) -> None:
    rows = holdout(truth)
    assert "GATE104" in refused(judged(rows, np.full(ROWS, rows.y.mean())))


def test_gate105_refuses_probabilities_that_do_not_come_true(truth: Numbers) -> None:
    rows = holdout(truth)
    assert "GATE105" in refused(judged(rows, np.clip(truth * 2.0, 0, 0.99)))


def test_a_champion_is_measured_on_the_same_rows_as_the_challenger(truth: Numbers) -> None:
    judgement = judged(holdout(truth), truth, champion=1 - truth)
    auc = {m.name: m.value for m in judgement.measures}["roc_auc"]
    champion = {m.name: m.value for m in judgement.champion}["roc_auc"]
    assert champion == pytest.approx(1 - auc)


def test_baseline_is_the_better_of_rules_and_constant(truth: Numbers) -> None:
    rows = holdout(truth)
    assert baseline_scores(spec(), rows, rows)[1] == "a constant"
    with_rules = replace(spec(), rules=lambda features: features["x"])
    assert baseline_scores(with_rules, rows, rows)[1] == "the rules"


def test_few_no_better_challengers_pass(truth: Numbers) -> None:
    random = np.random.default_rng(3)
    metric = metric_named(Task.BINARY, "log_loss")
    passed = 0
    for seed in range(60):
        twins = [Scores(np.clip(truth + random.normal(0, 0.05, ROWS), 0.01, 0.99)) for _ in range(2)]
        passed += paired_gain(metric, holdout(truth, seed).y, (twins[0], twins[1])).low > 0
    assert passed <= 9  # 5 % of 60 is 3; more than 9 would happen once in a thousand such tests
