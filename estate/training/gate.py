"""What a version must prove: every rule has a code, and says what it measured.

GATE101  enough frozen rows to judge
GATE102  the metric reaches its bound
GATE103  better than the champion on the same rows, by a paired bootstrap
GATE104  a first version is better than answering without a model, likewise
GATE105  probabilities come true as often as they say
GATE106  the exported model answers as the trained one
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from estate.core.errors import DataError
from estate.core.evidence import Finding, Measure, Slice
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.core.prediction import Scores
from estate.core.predictor import Predictor
from estate.training.data import TrainingData
from estate.training.metrics import (
    TAIL,
    Metric,
    calibration_error,
    measure,
    metric_named,
    resamples,
    take,
)

PAIRED_RESAMPLES = 1000


@dataclass(frozen=True)
class Contest:
    """Who is judged against whom, on the same frozen rows.

    Parameters
    ----------
    challenger, baseline : Scores
        Of the holdout; the baseline is the better of a constant and of the spec's rules.
    baseline_name : str
    champion : Scores or None
    champion_version : str or None
        Set with ``champion``; where it is set and ``champion`` is None the champion could not read the rows.
    parity : float
        Greatest difference between the exported and the trained model over the whole holdout.
    """

    challenger: Scores
    baseline: Scores
    baseline_name: str
    champion: Scores | None
    champion_version: str | None
    parity: float


@dataclass(frozen=True)
class Judgement:
    """What the gate found."""

    findings: tuple[Finding, ...]
    measures: tuple[Measure, ...]
    baseline: tuple[Measure, ...]
    champion: tuple[Measure, ...]
    slices: tuple[Slice, ...]

    @property
    def verdict(self) -> bool:
        """Whether every rule passed."""
        return all(finding.passed for finding in self.findings)


def baseline_scores(spec: ModelSpec, train: TrainingData, holdout: TrainingData) -> tuple[Scores, str]:
    """Return the best answer that needs no model: the train part's average, or the spec's rules."""
    constant = _constant(spec.task, train, len(holdout))
    if spec.rules is None or spec.task is Task.MULTICLASS:
        return constant, "a constant"
    raw = np.asarray(spec.rules(holdout.features), dtype=np.float64)
    ruled = Scores(np.clip(raw, 0.0, 1.0) if spec.task is Task.BINARY else raw)
    metric = metric_named(spec.task, spec.gate.metric)
    gain = metric.improvement(metric.function(holdout.y, ruled), metric.function(holdout.y, constant))
    return (ruled, "the rules") if gain > 0 else (constant, "a constant")


def champion_scores(champion: Predictor, features: Frame) -> Scores | None:
    """Ask the champion for the same rows; None if it reads columns that are no more."""
    try:
        return champion.predict_many(features)
    except DataError:
        return None


def judge(spec: ModelSpec, holdout: TrainingData, contest: Contest) -> Judgement:
    """Apply every rule and measure both sides."""
    findings = tuple(_findings(spec, holdout, contest))
    champion = measure(spec.task, holdout.y, contest.champion) if contest.champion else ()
    return Judgement(
        findings,
        measure(spec.task, holdout.y, contest.challenger),
        measure(spec.task, holdout.y, contest.baseline),
        champion,
        tuple(_slices(spec, holdout, contest.challenger)),
    )


def _findings(spec: ModelSpec, holdout: TrainingData, contest: Contest) -> Iterator[Finding]:
    metric = metric_named(spec.task, spec.gate.metric)
    yield _enough(spec, holdout)
    if spec.gate.bound is not None:
        yield _bound(metric, holdout.y, contest.challenger, spec.gate.bound)
    if contest.champion is not None:
        against = f"version {contest.champion_version} in production"
        pair, code = (contest.challenger, contest.champion), "GATE103"
    else:
        pair, code, against = (contest.challenger, contest.baseline), "GATE104", contest.baseline_name
        if contest.champion_version is not None:
            against += f" (version {contest.champion_version} in production reads columns that are no more)"
    yield _better(code, paired_gain(metric, holdout.y, pair, seed=spec.seed), against, spec.gate.margin)
    if spec.task is Task.BINARY and spec.gate.calibration_error is not None:
        yield _calibrated(holdout.y, contest.challenger, spec.gate.calibration_error)
    yield Finding(
        "GATE106", True, f"the exported model differs from the trained one by at most {contest.parity:.1e}"
    )


def _enough(spec: ModelSpec, holdout: TrainingData) -> Finding:
    gate, rows = spec.gate, len(holdout)
    if spec.task is not Task.BINARY:
        return Finding("GATE101", rows >= gate.holdout_rows, f"{rows} frozen rows, needs {gate.holdout_rows}")
    rarer = int(min(holdout.y.sum(), rows - holdout.y.sum()))
    return Finding(
        "GATE101",
        rows >= gate.holdout_rows and rarer >= gate.holdout_positives,
        f"{rows} frozen rows, needs {gate.holdout_rows}; "
        f"{rarer} of the rarer outcome, needs {gate.holdout_positives}",
    )


def _bound(metric: Metric, y: Numbers, scores: Scores, bound: float) -> Finding:
    value = metric.function(y, scores)
    side = "at least" if metric.larger_is_better else "at most"
    return Finding(
        "GATE102",
        bool(metric.improvement(value, bound) >= 0),
        f"{metric.name} {value:.4f}, needs {side} {bound:g}",
    )


def paired_gain(metric: Metric, y: Numbers, pair: tuple[Scores, Scores], *, seed: int = 0) -> Measure:
    """Measure how much better the first of two is on the same rows, with a paired 90 % bootstrap interval."""
    ours, theirs = pair
    gains = [
        metric.improvement(
            metric.function(y[rows], take(ours, rows)), metric.function(y[rows], take(theirs, rows))
        )
        for rows in resamples(len(y), seed, count=PAIRED_RESAMPLES)
    ]
    low, high = np.nanquantile(gains, [TAIL, 1.0 - TAIL])
    gain = metric.improvement(metric.function(y, ours), metric.function(y, theirs))
    return Measure(metric.name, gain, float(low), float(high))


def _better(code: str, gain: Measure, against: str, margin: float) -> Finding:
    return Finding(
        code,
        bool(gain.low > margin),
        f"{gain.name} better than {against} by {gain.value:.4f}, "
        f"90 % interval {gain.low:.4f} to {gain.high:.4f}; the lower end needs to be above {margin:g}",
    )


def _calibrated(y: Numbers, scores: Scores, most: float) -> Finding:
    error = calibration_error(y, scores)
    return Finding(
        "GATE105", error <= most, f"expected calibration error {error:.4f}, needs at most {most:g}"
    )


def _constant(task: Task, train: TrainingData, rows: int) -> Scores:
    if task is not Task.MULTICLASS:
        return Scores(np.full(rows, train.y.mean()))
    shares = np.bincount(train.y.astype(np.intp), minlength=len(train.classes)) / len(train)
    return Scores(np.full(rows, shares.max()), np.tile(shares, (rows, 1)), train.classes)


def _slices(spec: ModelSpec, holdout: TrainingData, scores: Scores) -> Iterator[Slice]:
    metric = metric_named(spec.task, spec.gate.metric)
    for column in spec.gate.slices:
        values = holdout.features[column]
        named = np.array(["(missing)" if value is None else value for value in values.tolist()], dtype=str)
        for value in np.unique(named).tolist():
            rows = np.flatnonzero(named == value)
            if len(rows) >= spec.gate.holdout_positives:
                judged = metric.function(holdout.y[rows], take(scores, rows))
                yield Slice(column, value, len(rows), judged)
