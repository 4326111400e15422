"""Every rule of the gate refuses what it is there to refuse."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estate.core.errors import SpecError
from estate.core.evidence import ServingCost
from estate.core.feature_set import FeatureSet
from estate.core.frame import Column, Frame, Numbers
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.core.prediction import Scores
from estate.training.data import TrainingData
from estate.training.gate import Contest, Judgement, baseline_scores, judge
from estate.training.metrics import metric_named
from estate.training.paired import paired_gain
from tests.specs import logistic

ROWS = 1000
SLICES: dict[str, Any] = {"metric": "roc_auc", "slices": ("area",), "slice_bound": 0.65}


def spec(**gate: object) -> ModelSpec:
    return ModelSpec(
        name="some_model",
        purpose="Some purpose.",
        task=Task.BINARY,
        source=TableSource(path="none.csv", label="y"),
        features=FeatureSet(numbers=("x",), categories=("area",)),
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
    rows: TrainingData,
    challenger: Numbers,
    *,
    champion: Numbers | None = None,
    serving: ServingCost | None = None,
    uses: int = 0,
    **gate: object,
) -> Judgement:
    contest = Contest(
        challenger=Scores(challenger),
        baseline=Scores(np.full(len(rows), rows.y.mean())),
        baseline_name="a constant",
        champion=Scores(champion) if champion is not None else None,
        champion_version="7" if champion is not None else None,
        parity=1e-7,
        serving=serving,
        uses=uses,
    )
    return judge(spec(**gate), rows, contest)


def refused(judgement: Judgement) -> set[str]:
    return {finding.code for finding in judgement.findings if not finding.passed}


def sentence(judgement: Judgement, code: str) -> str:
    return next(finding.sentence for finding in judgement.findings if finding.code == code)


def with_features(rows: TrainingData, **columns: Column) -> TrainingData:
    return replace(rows, features=Frame.of({**rows.features.columns, **columns}))


def with_protected(rows: TrainingData, **columns: Column) -> TrainingData:
    return replace(rows, protected=Frame.of(columns))


def test_a_good_first_version_passes(truth: Numbers) -> None:
    judgement = judged(holdout(truth), truth)
    assert judgement.verdict
    assert {f.code for f in judgement.findings} == {"GATE101", "GATE104", "GATE105", "GATE106", "GATE114"}


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


def test_gate107_refuses_a_brier_score_beyond_its_bound(truth: Numbers) -> None:
    rows = holdout(truth)
    assert refused(judged(rows, truth, brier=0.05)) == {"GATE107"}
    assert judged(rows, truth, brier=0.25).verdict


def test_gate108_refuses_one_bad_slice_and_names_it(truth: Numbers) -> None:
    area = np.where(np.arange(ROWS) % 4 == 0, "north", "south").astype(object)
    rows = with_features(holdout(truth), area=area)
    random = np.random.default_rng(5)
    blind = np.where(area == "north", random.permutation(truth), truth)
    judgement = judged(rows, blind, calibration_error=None, **SLICES)
    assert refused(judgement) == {"GATE108"}
    assert "area = north (250 rows), the worst of 2 slices; needs at least 0.65" in sentence(
        judgement, "GATE108"
    )
    assert judged(rows, truth, **SLICES).verdict


def test_gate108_does_not_judge_small_slices_and_refuses_where_none_is_left(truth: Numbers) -> None:
    area = np.where(np.arange(ROWS) < 50, "north", "south").astype(object)
    rows = with_features(holdout(truth), area=area)
    assert "the worst of 1 slices" in sentence(judged(rows, truth, **SLICES), "GATE108")
    none = judged(rows, truth, slice_rows=ROWS, **SLICES)
    assert refused(none) == {"GATE108"}
    assert "no value of `area` has 1000 rows" in sentence(none, "GATE108")


def test_gate109_refuses_a_feature_that_is_protected(truth: Numbers) -> None:
    age = np.random.default_rng(6).integers(20, 80, ROWS).astype(float)
    rows = with_protected(with_features(holdout(truth), age=age), age=age)
    judgement = judged(rows, truth, protected=("age",))
    assert refused(judgement) == {"GATE109"}
    assert "the features read the protected `age`" in sentence(judgement, "GATE109")


def test_gate109_refuses_a_function_that_reads_a_protected_column(truth: Numbers) -> None:
    age = np.random.default_rng(6).integers(20, 80, ROWS).astype(float)
    rows = replace(with_protected(holdout(truth), age=age), inputs=("x", "age"))
    assert refused(judged(rows, truth, protected=("age",))) == {"GATE109"}


def test_gate109_refuses_a_proxy_and_names_it_with_its_association(truth: Numbers) -> None:
    random = np.random.default_rng(6)
    group = random.choice(["a", "b"], ROWS).astype(object)
    code = np.where(random.random(ROWS) < 0.97, np.where(group == "a", 10.0, 20.0), 30.0)
    rows = with_protected(with_features(holdout(truth), code=code), group=group)
    judgement = judged(rows, truth, protected=("group",))
    assert refused(judgement) == {"GATE109"}
    assert "`code` tells `group` best: 0.99 (Cramér's V), needs at most 0.8" in sentence(judgement, "GATE109")
    assert judged(rows, truth, protected=("group",), proxy_most=0.99).verdict


def test_gate110_always_says_the_impact_ratio_and_refuses_below_its_bound(truth: Numbers) -> None:
    group = np.where(np.random.default_rng(7).random(ROWS) < 0.5, "a", "b").astype(object)
    rows = with_protected(holdout(truth), group=group)
    favoured = np.where(group == "a", truth, truth * 0.85)
    told = judged(rows, favoured, protected=("group",), calibration_error=None)
    assert told.verdict
    assert "among the 10% with the highest scores group = b has an impact ratio of 0." in sentence(
        told, "GATE110"
    )
    assert {(g.column, g.value) for g in told.groups} == {("group", "a"), ("group", "b")}
    assert sum(g.selected * g.rows for g in told.groups) == pytest.approx(0.1 * ROWS)
    bounded = judged(rows, favoured, protected=("group",), impact_ratio=0.8, calibration_error=None)
    assert refused(bounded) == {"GATE110"}


def test_gate110_refuses_a_bound_where_there_is_nothing_to_compare(truth: Numbers) -> None:
    rows = with_protected(holdout(truth), group=np.full(ROWS, "a", dtype=object))
    assert refused(judged(rows, truth, protected=("group",), impact_ratio=0.8)) == {"GATE110"}
    assert judged(rows, truth, protected=("group",)).verdict


@pytest.mark.parametrize(
    ("cost", "code"),
    [
        (ServingCost(51.0, 10.0, 400, 0.0), "GATE111"),
        (ServingCost(5.0, 513.0, 400, 0.0), "GATE112"),
        (ServingCost(5.0, 10.0, 400, 1e-3), "GATE113"),
        (ServingCost(5.0, 10.0, 400, float("nan")), "GATE113"),
    ],
)
def test_gate111_to_113_refuse_what_serves_badly(truth: Numbers, cost: ServingCost, code: str) -> None:
    assert refused(judged(holdout(truth), truth, serving=cost)) == {code}
    assert judged(holdout(truth), truth, serving=ServingCost(5.0, 10.0, 400, 0.0)).verdict


def test_without_a_budget_the_cost_is_told_and_not_judged(truth: Numbers) -> None:
    slow = ServingCost(5_000.0, 9_000.0, 400, 0.0)
    judgement = judged(holdout(truth), truth, serving=slow, latency_ms=None, memory_mb=None)
    assert judgement.verdict
    assert sentence(judgement, "GATE111") == "p95 of 400 requests 5000.0 ms"


def test_gate114_refuses_rows_that_were_judged_on_too_often(truth: Numbers) -> None:
    assert judged(holdout(truth), truth, uses=5).verdict
    judgement = judged(holdout(truth), truth, uses=6)
    assert refused(judgement) == {"GATE114"}
    assert "6 gates judged on at least half of these rows before, at most 5 may" in sentence(
        judgement, "GATE114"
    )


def test_each_use_of_the_same_rows_asks_for_more(truth: Numbers) -> None:
    noisy = np.clip(truth + np.random.default_rng(2).normal(0, 0.1, ROWS), 0.01, 0.99)
    first, third = (judged(holdout(truth), truth, champion=noisy, uses=uses) for uses in (0, 2))
    assert "90 % interval" in sentence(first, "GATE103")
    assert "5 % below the lower end" in sentence(first, "GATE103")
    assert "1.67 % below the lower end = 5 % / 3, for 2 gates judged on" in sentence(third, "GATE103")


def test_a_gate_says_what_it_can_not_be(truth: Numbers) -> None:
    with pytest.raises(SpecError, match=r"`protected` of a gate: expected a tuple.*written `\(name,\)`"):
        Gate(protected="age")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="expected `slices` too"):
        Gate(slice_bound=0.6)
    with pytest.raises(SpecError, match="expected `protected` too"):
        Gate(impact_ratio=0.8)
