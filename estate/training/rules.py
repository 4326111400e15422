"""The rules of the gate, each a function from what was measured to a finding; ``gate`` lists their codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from estate.bundles.bundle import GOLDEN_TOLERANCE
from estate.core.evidence import Finding, Group, Measure, ServingCost, Slice
from estate.core.frame import Numbers
from estate.core.model_spec import Gate, ModelSpec, Task
from estate.core.prediction import Scores
from estate.training.data import TrainingData
from estate.training.holdout import enough, rarer, tail_after
from estate.training.metrics import Metric, brier, calibration_error
from estate.training.paired import method_of
from estate.training.protected import associations


def enough_rows(spec: ModelSpec, y: Numbers) -> Finding:
    """GATE101: there are enough frozen rows to judge."""
    gate = spec.gate
    sentence = f"{len(y)} frozen rows, needs {gate.holdout_rows}"
    if spec.task is Task.BINARY:
        sentence += f"; {rarer(y)} of the rarer outcome, needs {gate.holdout_positives}"
    return Finding("GATE101", enough(spec, y), sentence)


def bound(metric: Metric, y: Numbers, scores: Scores, least: float) -> Finding:
    """GATE102: the metric reaches its bound."""
    value = metric.function(y, scores)
    sentence = f"{metric.name} {value:.4f}, needs {_side(metric)} {least:g}"
    return Finding("GATE102", bool(metric.improvement(value, least) >= 0), sentence)


def is_better(gain: Measure, margin: float) -> bool:
    """GATE103 and GATE104: the lower end of a paired gain is above the margin."""
    return bool(gain.low > margin)


def comparison(metric: Metric, gain: Measure, against: str, *, margin: float, uses: int) -> str:
    """Return the sentence of GATE103 and GATE104."""
    tail = tail_after(uses)
    reused = f" = 5 % / {uses + 1}, for {_gates(uses)} judged on these rows before" if uses else ""
    return (
        f"{gain.name} better than {against} by {gain.value:.4f}, "
        f"{100 * (1 - 2 * tail):.4g} % interval {gain.low:.4f} to {gain.high:.4f} ({method_of(metric)}, "
        f"{100 * tail:.3g} % below the lower end{reused}); the lower end needs to be above {margin:g}"
    )


def calibrated(y: Numbers, scores: Scores, most: float) -> Finding:
    """GATE105: probabilities come true as often as they say."""
    error = calibration_error(y, scores)
    return Finding(
        "GATE105", error <= most, f"expected calibration error {error:.4f}, needs at most {most:g}"
    )


def brier_bound(y: Numbers, scores: Scores, most: float) -> Finding:
    """GATE107: the Brier score reaches its bound."""
    value = brier(y, scores)
    return Finding("GATE107", value <= most, f"Brier score {value:.4f}, needs at most {most:g}")


def slices_bound(gate: Gate, metric: Metric, slices: Sequence[Slice]) -> Finding:
    """GATE108: the metric reaches its bound in every slice that is large enough."""
    assert gate.slice_bound is not None
    judged = [part for part in slices if part.rows >= gate.slice_rows and np.isfinite(part.metric)]
    columns = ", ".join(f"`{name}`" for name in gate.slices)
    if not judged:
        sentence = f"no value of {columns} has {gate.slice_rows} rows in which {metric.name} can be measured"
        return Finding("GATE108", False, sentence)
    worst = min(judged, key=lambda part: metric.improvement(part.metric, 0.0))
    sentence = (
        f"{metric.name} {worst.metric:.4f} where {worst.column} = {worst.value} ({worst.rows} rows), the "
        f"worst of {len(judged)} slices; needs {_side(metric)} {gate.slice_bound:g}"
    )
    return Finding("GATE108", bool(metric.improvement(worst.metric, gate.slice_bound) >= 0), sentence)


def unprotected(gate: Gate, holdout: TrainingData) -> Finding:
    """GATE109: no feature reads a protected column, or tells it too well."""
    names = ", ".join(f"`{name}`" for name in gate.protected)
    read = [name for name in gate.protected if name in (*holdout.inputs, *holdout.features.columns)]
    if read:
        sentence = f"the features read the protected `{read[0]}`; protected: {names}"
        return Finding("GATE109", False, sentence)
    found = max(associations(holdout.features, holdout.protected), key=lambda pair: pair.value)
    sentence = (
        f"no feature reads {names}; `{found.feature}` tells `{found.protected}` best: "
        f"{found.value:.2f} ({found.measure}), needs at most {gate.proxy_most:g}"
    )
    return Finding("GATE109", found.value <= gate.proxy_most, sentence)


def even_handed(gate: Gate, groups: Sequence[Group]) -> Finding:
    """GATE110: every protected group is selected often enough beside the luckiest one."""
    asked = "" if gate.impact_ratio is None else f", needs at least {gate.impact_ratio:g}"
    # A column with one group has nothing to be compared with: its ratio of 1 would say nothing.
    compared = [g for g in groups if sum(other.column == g.column for other in groups) > 1]
    if not compared:
        sentence = f"no protected column has two groups of {gate.slice_rows} rows: no impact ratio{asked}"
        return Finding("GATE110", gate.impact_ratio is None, sentence)
    worst = min(compared, key=lambda group: group.impact_ratio)
    sentence = (
        f"among the {gate.selected_share:.0%} with the highest scores {worst.column} = {worst.value} has an "
        f"impact ratio of {worst.impact_ratio:.2f} ({worst.selected:.1%} of {worst.rows} rows){asked}"
    )
    return Finding("GATE110", gate.impact_ratio is None or worst.impact_ratio >= gate.impact_ratio, sentence)


def served(gate: Gate, cost: ServingCost) -> Iterator[Finding]:
    """GATE111 to GATE113: what the version costs, and answers, in a real serving process."""
    yield Finding(
        "GATE111",
        gate.latency_ms is None or cost.p95_ms <= gate.latency_ms,
        f"p95 of {cost.requests} requests {cost.p95_ms:.1f} ms{_at_most(gate.latency_ms, 'ms')}",
    )
    yield Finding(
        "GATE112",
        gate.memory_mb is None or cost.memory_mb <= gate.memory_mb,
        f"loading it adds {cost.memory_mb:.0f} MB to a serving process{_at_most(gate.memory_mb, 'MB')}",
    )
    yield Finding(
        "GATE113",
        bool(cost.golden_difference <= GOLDEN_TOLERANCE),
        f"over HTTP its golden scores differ by {cost.golden_difference:.1e}, "
        f"needs at most {GOLDEN_TOLERANCE:g}",
    )


def fresh(gate: Gate, uses: int) -> Finding:
    """GATE114: the frozen rows have not been judged on too often."""
    sentence = f"{_gates(uses)} judged on at least half of these rows before, at most {gate.holdout_uses} may"
    return Finding("GATE114", uses <= gate.holdout_uses, sentence)


def _side(metric: Metric) -> str:
    return "at least" if metric.larger_is_better else "at most"


def _at_most(most: float | None, unit: str) -> str:
    return "" if most is None else f", needs at most {most:g} {unit}"


def _gates(uses: int) -> str:
    return f"{uses} gate" if uses == 1 else f"{uses} gates"
