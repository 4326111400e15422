"""Where a model does worse than its scores promise (MON304), corrected over all slices that are looked at.

A slice's loss follows its share of positives, and small slices stray far. So each is laid beside what its own
scores let expect: labels are drawn from the scores of its rows, and the skill of these draws is what chance
gives. The gate's slices have a value in the evidence too: one that was as bad at the gate did not get worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.evidence import Evidence
from estate.core.model_spec import ModelSpec, Task
from estate.core.prediction import Scores
from estate.store.watch_passes import WatchFinding
from estate.training.metrics import Metric
from monitoring.holm import holm
from monitoring.quality.answered import Answered
from monitoring.quality.measures import judged_metric, measurable
from monitoring.quality.skill import Skill, skill_function

ALARM_RATE = 0.01
MOST_LEVELS = 20
_FIRST_DRAWS, _MOST_DRAWS, _CELLS = 400, 8_000, 20_000_000
MISSING = "(missing)"


@dataclass(frozen=True)
class Part:
    """The rows of one value of a category: a mask of shape (n,)."""

    column: str
    value: str | None
    rows: NDArray[np.bool_]


def parts_of(spec: ModelSpec, ripe: Answered, *, gate_only: bool = False) -> Iterator[Part]:
    """Return the slices that are large enough: the gate's, and of categories of at most 20 values."""
    import pandas as pd

    for column, values in ripe.categories.items():
        codes, levels = pd.factorize(values)
        if column not in spec.gate.slices and (gate_only or len(levels) > MOST_LEVELS):
            continue
        for code, value in ((-1, None), *enumerate(map(str, levels))):
            rows = np.asarray(codes == code, dtype=np.bool_)
            if rows.sum() >= spec.gate.slice_rows and measurable(spec.task, ripe.y[rows]):
                yield Part(column, value, rows)


@dataclass(frozen=True)
class _Judged:
    part: Part
    skill: float
    promised: float
    p_value: float


def check_slices(  # noqa: PLR0913 - what it needs, by keyword
    spec: ModelSpec, ripe: Answered, evidence: Evidence | None, before: Skill, *, fall: float, seed: int = 0
) -> tuple[WatchFinding, ...]:
    """Judge every slice of ripe rows; at most 1 of 100 calibrated windows gives a finding.

    Parameters
    ----------
    ripe : Answered
        Rows whose labels are known.
    before : Skill
        Of the holdout: a slice must have lost ``1 - fall`` of it, by its own scores.
    """
    if spec.task is not Task.BINARY:
        return ()
    metric = judged_metric(spec)
    parts = list(parts_of(spec, ripe))
    judged = [_judge(metric, ripe, part, len(parts), seed) for part in parts]
    lost = (1.0 - fall) * before.value
    p_values = [
        one.p_value
        if one.promised - one.skill > lost and _worsened(metric, ripe, one.part, evidence)
        else 1.0
        for one in judged
    ]
    found = zip(judged, holm(p_values, ALARM_RATE), strict=True)
    return tuple(_finding(metric, one) for one, (stands, _) in found if stands)


def _judge(metric: Metric, ripe: Answered, part: Part, parts: int, seed: int) -> _Judged:
    y, p = ripe.y[part.rows], ripe.score[part.rows]
    of = skill_function(Task.BINARY, metric)
    value = of(y, p)
    random = np.random.default_rng([seed, len(p)])
    drawn = np.empty(0)
    wanted = min(_MOST_DRAWS, int(np.ceil(2 * parts / ALARM_RATE)), max(_FIRST_DRAWS, _CELLS // len(p)))
    for count in (_FIRST_DRAWS, wanted - _FIRST_DRAWS):
        more = [of((random.random(len(p)) < p).astype(np.float64), p) for _ in range(max(0, count))]
        drawn = np.append(drawn, more)
        p_value = (1 + int(np.nansum(drawn <= value))) / (1 + len(drawn))
        if p_value > 2 * ALARM_RATE:
            break
    return _Judged(part, value, float(np.nanmean(drawn)), p_value)


def _worsened(metric: Metric, ripe: Answered, part: Part, evidence: Evidence | None) -> bool:
    kept = {(s.column, s.value): s.metric for s in evidence.slices} if evidence else {}
    was = kept.get((part.column, part.value or MISSING))
    if was is None:
        return True
    value = metric.function(ripe.y[part.rows], Scores(ripe.score[part.rows]))
    return metric.improvement(value, was) < 0


def _finding(metric: Metric, one: _Judged) -> WatchFinding:
    value = one.part.value if one.part.value is not None else MISSING
    sentence = (
        f"`{one.part.column}` = {value}: skill {one.skill:.3f} in {metric.name} on "
        f"{int(one.part.rows.sum())} ripe "
        f"rows, where its scores promise {one.promised:.3f}"
    )
    return WatchFinding("MON304", one.part.column, one.skill, one.promised, sentence)
