"""Intervals hold the truth as often as they say: in simulated worlds where it is known, and on real rows."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from estate.bundles import open_predictor
from estate.bundles.intervals import RateInterval, ValueInterval
from estate.catalog import load_specs
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec, TableSource, Task
from estate.core.prediction import Scores
from estate.training.bundling import write_bundle
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.intervals import EVIDENCE, interval_of, label_set, rate_interval, value_interval
from estate.training.rates import jeffreys
from estate.training.split import split_by_time
from tests.behaviour.test_public_data import COURSES, HEAD, HOUSES, TELCO
from tests.specs import band_spec, days_spec, home_spec, write_homes

LEVEL = 0.9


def sigmoid(z: Numbers) -> Numbers:
    p: Numbers = 1.0 / (1.0 + np.exp(-z))
    return p


def rate_coverage(rows: int, *, slope: float = 1.0, shift: float = 0.0, seeds: int) -> tuple[float, float]:
    """Return how often a bin's interval holds the bin's true mean, and a case's interval the case's truth.

    Each seed is another model: 4 to 60 % of its cases are positive.
    """
    bins, cases = [], []
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        base = random.uniform(-3.5, 0.5)
        z, later = random.normal(base, 1.0, rows), random.normal(base, 1.0, 3_000)
        came_true = (random.random(rows) < sigmoid(z)).astype(np.float64)
        found = rate_interval(came_true, sigmoid(slope * z + shift), LEVEL)
        assert found is not None
        truth, score = sigmoid(later), sigmoid(slope * later + shift)
        at = np.searchsorted(found.edges, score, side="right")
        means = [truth[at == i].mean() for i in range(len(found.bins))]
        bins += [rate.low <= mean <= rate.high for rate, mean in zip(found.bins, means, strict=True)]
        low, high = found.ends(score)
        cases.append(((low <= truth) & (truth <= high)).mean())
    return float(np.mean(bins)), float(np.mean(cases))


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (1.2, 0.2)], ids=["calibrated", "too bold"])
@pytest.mark.parametrize(
    ("rows", "seeds"), [pytest.param(200, 2000, marks=pytest.mark.thorough), (1000, 250), (5000, 120)]
)
def test_the_rate_of_cases_with_such_scores_is_in_the_interval_nine_times_in_ten(
    rows: int, seeds: int, slope: float, shift: float
) -> None:
    by_bin, _ = rate_coverage(rows, slope=slope, shift=shift, seeds=seeds)
    assert by_bin == pytest.approx(LEVEL, abs=0.015)


def test_the_truth_of_a_calibrated_score_is_in_its_interval_nine_times_in_ten() -> None:
    _, by_case = rate_coverage(1000, seeds=250)
    assert by_case == pytest.approx(LEVEL, abs=0.015)


def test_of_too_bold_scores_most_intervals_still_hold_the_truth() -> None:
    _, by_case = rate_coverage(1000, slope=1.2, shift=0.2, seeds=150)
    assert 0.79 < by_case < LEVEL  # the order of scores inside a bin is trusted, and its steps are too steep


def test_scores_that_are_too_high_lie_above_their_interval() -> None:
    random = np.random.default_rng(0)
    z = random.normal(-1.0, 1.0, 20_000)
    found = rate_interval((random.random(len(z)) < sigmoid(z)).astype(np.float64), sigmoid(z + 0.7), LEVEL)
    assert found is not None
    low, high = found.ends(sigmoid(z + 0.7))
    assert (high < sigmoid(z + 0.7)).mean() > 0.9
    assert ((low <= sigmoid(z)) & (sigmoid(z) <= high)).mean() > 0.8


def test_jeffreys_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for p, rows in ((0.05, 400), (0.1, 200), (0.3, 64), (0.5, 64)):
        low, high = jeffreys(random.binomial(rows, p, 50_000), rows, LEVEL)
        assert ((low <= p) & (p <= high)).mean() == pytest.approx(LEVEL, abs=0.02), (p, rows)
    assert jeffreys(0, 50, LEVEL)[0] == 0.0
    assert jeffreys(50, 50, LEVEL)[1] == 1.0


def test_where_bins_part_does_not_depend_on_outcomes() -> None:
    random = np.random.default_rng(0)
    score = random.beta(1, 9, 3000)
    one = rate_interval((random.random(3000) < score).astype(np.float64), score, LEVEL)
    other = rate_interval((random.random(3000) < score).astype(np.float64), score, LEVEL)
    assert one is not None
    assert other is not None
    assert one.edges == other.edges
    evidence = np.bincount(np.searchsorted(one.edges, score, side="right"), weights=score * (1 - score))
    assert evidence.min() >= EVIDENCE / 2


def test_few_distinct_scores_are_few_bins_and_one_score_is_one() -> None:
    random = np.random.default_rng(0)
    score = random.choice([0.1, 0.4], 2000)
    y = (random.random(2000) < score).astype(np.float64)
    found = rate_interval(y, score, LEVEL)
    assert found is not None
    assert found.edges == (0.4,)
    same = rate_interval(y, np.full(2000, 0.25), LEVEL)
    assert same is not None
    assert same.bins[0].rows == 2000
    assert same.of(0.25) == pytest.approx((same.bins[0].low, same.bins[0].high), abs=1e-9)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_outcomes_of_one_kind_give_an_interval_that_ends_there(label: float) -> None:
    score = np.random.default_rng(0).beta(2, 5, 500)
    found = rate_interval(np.full(500, label), score, LEVEL)
    assert found is not None
    low, high = found.ends(np.array([0.0, 0.3, 1.0]))
    assert np.isfinite([low, high]).all()
    assert (low == 0.0).all() if label == 0.0 else (high > 1 - 1e-5).all()


@pytest.mark.parametrize("rows", [40, 300, 3000])
def test_a_value_is_in_its_interval_nine_times_in_ten(rows: int) -> None:
    covered, by_size = [], []
    for seed in range(400):
        random = np.random.default_rng(seed)
        truth, later = random.lognormal(0, 1, rows), random.lognormal(0, 1, 2000)
        found = value_interval(truth * random.lognormal(0, 0.3, rows), truth, LEVEL)
        assert found is not None
        low, high = found.ends(later)
        inside = (low <= (came := later * random.lognormal(0, 0.3, 2000))) & (came <= high)
        covered.append(inside.mean())
        by_size.append([part.mean() for part in np.array_split(inside[np.argsort(later)], 4)])
    assert np.mean(covered) == pytest.approx(LEVEL, abs=0.015 if rows > 40 else 0.025)
    if rows == 3000:  # small values and large ones alike: errors grow with the value
        assert np.mean(by_size, axis=0) == pytest.approx(LEVEL, abs=0.03)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_another_level_is_kept_too(level: float) -> None:
    covered = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        found = value_interval(random.normal(size=500), np.zeros(500), level)
        assert found is not None
        low, high = found.ends(np.zeros(500))
        later = random.normal(size=500)
        covered.append(((low <= later) & (later <= high)).mean())
    assert np.mean(covered) == pytest.approx(level, abs=0.01)


def test_the_true_label_is_in_the_set_nine_times_in_ten() -> None:
    covered, sizes = [], []
    for seed in range(300):
        random = np.random.default_rng(seed)
        p = random.dirichlet([0.5, 0.7, 1.0, 0.3], 2000)
        truth = (p.cumsum(axis=1) < random.random((2000, 1))).sum(axis=1).clip(max=3)
        bold = p**1.5 / (p**1.5).sum(axis=1, keepdims=True)  # the guarantee needs no calibrated model
        found = label_set(truth[:600].astype(np.float64), bold[:600], LEVEL)
        assert found is not None
        sets = found.sets(bold[600:], ("0", "1", "2", "3"))
        covered += [str(label) in labels for label, labels in zip(truth[600:], sets, strict=True)]
        sizes += [len(labels) for labels in sets]
    assert np.mean(covered) == pytest.approx(LEVEL, abs=0.01)
    assert 1.0 < np.mean(sizes) < 3.0


@pytest.mark.parametrize("task", Task)
def test_too_few_rows_give_no_interval(task: Task) -> None:
    rows = 20
    y, p = np.arange(rows) % 2.0, np.full((rows, 2), 0.5)
    assert interval_of(task, y.astype(np.float64), Scores(p[:, 0], p, ("a", "b")), LEVEL) is None
    enough = interval_of(
        task, np.tile(y, 5), Scores(np.tile(p[:, 0], 5), np.tile(p, (5, 1)), ("a", "b")), LEVEL
    )
    assert enough is not None
    wide = interval_of(
        task, np.tile(y, 5), Scores(np.tile(p[:, 0], 5), np.tile(p, (5, 1)), ("a", "b")), 0.999
    )
    assert (wide is None) is (task is not Task.BINARY)  # a hundred rows don't tell the largest error of 1,000


@pytest.mark.parametrize("make", [home_spec, days_spec, band_spec])
def test_a_bundle_says_what_was_measured_on_its_frozen_rows(make: object, tmp_path: Path) -> None:
    spec: ModelSpec = make(write_homes(tmp_path / "homes.csv"))  # type: ignore[operator]
    parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    bundle, _ = write_bundle(fit(spec, parts), parts, tmp_path / "bundle")
    scores = open_predictor(bundle, "1").predict_many(parts.holdout.features)
    assert bundle.interval == interval_of(spec.task, parts.holdout.y, scores, spec.interval)
    match bundle.interval:
        case RateInterval(bins=bins):
            assert sum(rate.rows for rate in bins) == len(parts.holdout)
            assert sum(rate.positives for rate in bins) == parts.holdout.y.sum()
        case ValueInterval() as values:
            low, high = values.ends(scores.score)
            assert 0.89 < ((low <= parts.holdout.y) & (parts.holdout.y <= high)).mean() < 0.93
        case _:
            assert bundle.interval is not None


@pytest.mark.thorough
@pytest.mark.parametrize("table", [TELCO, COURSES, HOUSES], ids=["telco", "courses", "houses"])
def test_on_real_rows_after_the_frozen_ones_intervals_still_hold(
    table: str, public_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "LEADLOOP_PUBLIC_DATA", str(public_data.resolve()))
    (tmp_path / "model.py").write_text(HEAD + table)
    (spec,) = load_specs(tmp_path / "model.py")
    data = extract(spec, None, as_of=datetime.now(UTC))
    orders = [np.arange(len(data))]
    if isinstance(spec.source, TableSource) and spec.source.order is None and spec.source.time is None:
        # rows without an order are in one by chance: it must not hang on that one
        orders += [np.random.default_rng(seed).permutation(len(data)) for seed in range(1, 4)]
    agreeing: list[bool] = []
    for number, order in enumerate(orders):
        agreeing += _agreeing(spec, data.take(order), tmp_path / f"bundle-{number}")
    assert np.mean(agreeing) >= (0.8 if len(orders) == 1 else 0.9)


def _agreeing(spec: ModelSpec, data: TrainingData, folder: Path) -> list[bool]:
    """Return of each bin whether later rows agree with it; of values, whether they are covered as often."""
    known = int(0.85 * len(data))
    parts, later = split_by_time(spec, data.take(np.arange(known))), data.take(np.arange(known, len(data)))
    bundle, _ = write_bundle(fit(spec, parts), parts, folder)
    scores = open_predictor(bundle, "1").predict_many(later.features).score
    if isinstance(bundle.interval, ValueInterval):
        low, high = bundle.interval.ends(scores)
        covered = ((low <= later.y) & (later.y <= high)).mean()
        return [bool(abs(covered - LEVEL) <= 0.04)]  # 0.875 of houses: prices rise
    assert isinstance(bundle.interval, RateInterval)
    at = np.searchsorted(bundle.interval.edges, scores, side="right")
    agreeing = []
    for i, rate in enumerate(bundle.interval.bins):  # the later rows' own share has an interval too
        low, high = jeffreys(later.y[at == i].sum(), (at == i).sum(), LEVEL)
        agreeing.append(bool(low <= rate.high and rate.low <= high))
    return agreeing
