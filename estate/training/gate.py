"""What a version must prove: every rule has a code, and says what it measured.

GATE101  enough frozen rows to judge
GATE102  the metric reaches its bound
GATE103  better than the champion on the same rows, by a paired interval
GATE104  a first version is better than answering without a model, likewise
GATE105  probabilities come true as often as they say
GATE106  the exported model answers as the trained one
GATE107  the Brier score reaches its bound
GATE108  the metric reaches its bound in every slice
GATE109  no feature is, or stands for, a protected attribute
GATE110  every protected group is selected often enough beside the luckiest one
GATE111  fast enough in a real serving process
GATE112  small enough in a real serving process
GATE113  a real serving process gives the golden scores
GATE114  the frozen rows have not been judged on too often
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from estate.core.errors import DataError
from estate.core.evidence import Finding, Group, Measure, ServingCost, Slice
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.core.prediction import Scores
from estate.core.predictor import Predictor
from estate.training import rules
from estate.training.data import TrainingData
from estate.training.holdout import tail_after
from estate.training.metrics import measure, metric_named, take
from estate.training.paired import paired_gain
from estate.training.protected import impact


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
    kept_as : str
        Name of the format that it was exported to.
    serving : ServingCost or None
        None where it was not measured: then the rules on it are left out.
    uses : int
        Earlier gates that judged on at least half of these rows.
    """

    challenger: Scores
    baseline: Scores
    baseline_name: str
    champion: Scores | None
    champion_version: str | None
    parity: float
    serving: ServingCost | None = None
    uses: int = 0
    kept_as: str = "ONNX"


@dataclass(frozen=True)
class Judgement:
    """What the gate found in a contest."""

    contest: Contest
    findings: tuple[Finding, ...]
    measures: tuple[Measure, ...]
    baseline: tuple[Measure, ...]
    champion: tuple[Measure, ...]
    slices: tuple[Slice, ...]
    groups: tuple[Group, ...]

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
    slices = tuple(_slices(spec, holdout, contest.challenger))
    groups = _groups(spec, holdout, contest.challenger)
    findings = (
        *_on_scores(spec, holdout.y, contest),
        *_on_parts(spec, holdout, slices, groups),
        *(rules.served(spec.gate, contest.serving) if contest.serving else ()),
        rules.fresh(spec.gate, contest.uses),
    )
    champion = measure(spec.task, holdout.y, contest.champion) if contest.champion else ()
    return Judgement(
        contest,
        tuple(sorted(findings, key=lambda finding: finding.code)),
        measure(spec.task, holdout.y, contest.challenger),
        measure(spec.task, holdout.y, contest.baseline),
        champion,
        slices,
        groups,
    )


def _on_scores(spec: ModelSpec, y: Numbers, contest: Contest) -> Iterator[Finding]:
    gate, metric = spec.gate, metric_named(spec.task, spec.gate.metric)
    yield rules.enough_rows(spec, y)
    if gate.bound is not None:
        yield rules.bound(metric, y, contest.challenger, gate.bound)
    yield _compared(spec, y, contest)
    if spec.task is Task.BINARY and gate.calibration_error is not None:
        yield rules.calibrated(y, contest.challenger, gate.calibration_error)
    differs = f"the model as {contest.kept_as} differs from the trained one by at most {contest.parity:.1e}"
    yield Finding("GATE106", True, differs)
    if spec.task is Task.BINARY and gate.brier is not None:
        yield rules.brier_bound(y, contest.challenger, gate.brier)


def _compared(spec: ModelSpec, y: Numbers, contest: Contest) -> Finding:
    metric, tail = metric_named(spec.task, spec.gate.metric), tail_after(contest.uses)
    if contest.champion is not None:
        pair, code = (contest.challenger, contest.champion), "GATE103"
        against = f"version {contest.champion_version} in production"
    else:
        pair, code, against = (contest.challenger, contest.baseline), "GATE104", contest.baseline_name
        if contest.champion_version is not None:
            against += f" (version {contest.champion_version} in production reads columns that are no more)"
    gain = paired_gain(metric, y, pair, tail=tail, seed=spec.seed)
    passed = rules.is_better(gain, spec.gate.margin)
    return Finding(
        code, passed, rules.comparison(metric, gain, against, margin=spec.gate.margin, uses=contest.uses)
    )


def _on_parts(
    spec: ModelSpec, holdout: TrainingData, slices: tuple[Slice, ...], groups: tuple[Group, ...]
) -> Iterator[Finding]:
    gate = spec.gate
    if gate.slice_bound is not None:
        yield rules.slices_bound(gate, metric_named(spec.task, gate.metric), slices)
    if gate.protected:
        yield rules.unprotected(gate, holdout)
        if spec.task is not Task.MULTICLASS:
            yield rules.even_handed(gate, groups)


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


def _groups(spec: ModelSpec, holdout: TrainingData, scores: Scores) -> tuple[Group, ...]:
    gate = spec.gate
    if not gate.protected or spec.task is Task.MULTICLASS:
        return ()  # several classes have no one score by which the desk would choose
    return impact(holdout.protected, scores.score, share=gate.selected_share, least_rows=gate.slice_rows)
