"""What ripe labels say: did quality fall (MON301, MON303, MON304), or is it too early (MON307)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf

from estate.core.evidence import Evidence
from estate.core.model_spec import ModelSpec, PairSource, Task
from estate.store.watch_passes import WatchFinding
from estate.training.metrics import Metric
from monitoring.quality.answered import Answered
from monitoring.quality.calibration import Calibrated, check_calibration
from monitoring.quality.estimated import ESTIMABLE, expected, skill_once_ripe
from monitoring.quality.fall import POWER, Fall
from monitoring.quality.measures import LEAST_POSITIVES, LEAST_ROWS, judged_metric, measurable, measured
from monitoring.quality.skill import Skill, realised_skill
from monitoring.quality.slices import check_slices


@dataclass(frozen=True)
class Realised:
    """What was found on the ripe rows of a window.

    Parameters
    ----------
    rows : Answered
        The ripe rows.
    fall : Fall or None
        None where they, or the evidence, allow no comparison.
    calibrated : Calibrated or None
        None where there are too few rows, or no probabilities.
    findings : tuple of WatchFinding
    """

    rows: Answered
    fall: Fall | None
    calibrated: Calibrated | None
    findings: tuple[WatchFinding, ...]


def judge_realised(  # noqa: PLR0913 - what it needs, by keyword
    spec: ModelSpec,
    window: Answered,
    before: Skill | None,
    evidence: Evidence | None,
    *,
    fall: float,
    seed: int = 0,
) -> Realised:
    """Judge the answers of a window whose horizon is over.

    Parameters
    ----------
    window : Answered
        Ripe or not.
    before : Skill or None
        Of the holdout, or of earlier answers.
    fall : float
        What must be kept of it, in (0, 1).
    """
    ripe, metric = window.take(window.ripe), judged_metric(spec)
    if not measurable(spec.task, ripe.y):
        return Realised(ripe, None, None, (_too_few(spec, metric, window, before, fall),))
    calibrated = None if spec.task is Task.REGRESSION else check_calibration(ripe.y, ripe.score, seed=seed)
    findings = calibrated.findings if calibrated else ()
    if before is None:
        return Realised(ripe, None, calibrated, (*findings, _no_baseline(spec, metric, evidence)))
    found = Fall(realised_skill(spec.task, metric, ripe.y, ripe.score, seed=seed), before, fall)
    findings += check_slices(spec, ripe, evidence, before, fall=fall, seed=seed)
    if found.happened:
        findings = (_fell(metric, window, ripe, found, evidence), *findings)
    elif found.visible > 1.0 - fall:
        findings += (_blind(metric, ripe, found),)
    return Realised(ripe, found, calibrated, findings)


def _fell(
    metric: Metric, window: Answered, ripe: Answered, found: Fall, evidence: Evidence | None
) -> WatchFinding:
    (now,) = measured((metric,), ripe.y, ripe.score)
    was = next((one for one in evidence.measures if one.name == metric.name), None) if evidence else None
    on_holdout = f", {was.value:.4f} ({was.low:.4f} to {was.high:.4f}) on the holdout" if was else ""
    low, high = found.interval
    sentence = (
        f"quality fell: {metric.name} {now.value:.4f} ({now.low:.4f} to {now.high:.4f}) on {len(ripe)} ripe "
        f"rows, "
        f"{window.mature_share:.0%} of the window{on_holdout}; the skill is {found.now.value:.3f} "
        f"({low:.3f} to "
        f"{high:.3f}), {found.kept:.0%} of {found.before.value:.3f}, where {found.least:.0%} must be kept"
    )
    if metric.name in ESTIMABLE:
        sentence += f"; the scores alone let expect {expected(metric.name, ripe.score):.4f} for these cases"
    return WatchFinding("MON301", None, found.now.value, found.least * found.before.value, sentence)


def _blind(metric: Metric, ripe: Answered, found: Fall) -> WatchFinding:
    sentence = (
        f"{len(ripe)} ripe rows show no fall of {metric.name}, but only one of {found.visible:.0%} of the "
        f"skill "
        f"would be seen in {POWER:.0%} of cases; {_needed(found)}"
    )
    return WatchFinding("MON307", None, float(len(ripe)), _finite(found.rows_needed), sentence)


def _finite(rows: float) -> float | None:
    return None if isinf(rows) else rows  # JSON, in which findings are kept, has no infinity


def _needed(found: Fall) -> str:
    part = f"a fall of {1.0 - found.least:.0%}"
    if isinf(found.rows_needed):
        return f"{part} can't be seen with any number: the {found.before.rows} rows before it are too few"
    return f"{part} needs {found.rows_needed:,.0f} ripe rows"


def _too_few(
    spec: ModelSpec, metric: Metric, window: Answered, before: Skill | None, fall: float
) -> WatchFinding:
    ripe = window.y[window.ripe]
    of = f", {int(ripe.sum())} of them positive" if spec.task is Task.BINARY else ""
    least = f"{LEAST_ROWS}" + (f" with {LEAST_POSITIVES} of each class" if spec.task is Task.BINARY else "")
    sentence = f"{len(ripe)} labels are ripe{of}, at least {least} are needed to say anything"
    needed = float(LEAST_ROWS)
    if before is not None and spec.task is Task.BINARY and len(window) >= LEAST_ROWS:
        found = Fall(skill_once_ripe(metric, window.score), before, fall)
        sentence, needed = f"{sentence}; {_needed(found)}", found.rows_needed
    if gone := _left_out(window):
        sentence += f"; {gone}"
    return WatchFinding("MON307", None, float(len(ripe)), _finite(needed), sentence)


def _left_out(window: Answered) -> str:
    left = window.left_out
    told = (
        (left.unnamed, "answers named no case"),
        (left.unknown, "named one that nobody knows"),
        (left.resolved, "came after the outcome"),
        (left.late, "came long after the age that the model was trained at"),
        (left.unseen, "were of homes that the lead did not look at within a day"),
    )
    return ", ".join(f"{count} {words}" for count, words in told if count)


def _no_baseline(spec: ModelSpec, metric: Metric, evidence: Evidence | None) -> WatchFinding:
    if isinstance(spec.source, PairSource):
        why = "too few homes that this version showed before are ripe, or they showed no skill"
    elif evidence is None:
        why = "there is no evidence of this version"
    else:
        why = "the holdout showed no skill in it"
    sentence = f"{metric.name} has no baseline to be compared with: {why}"
    return WatchFinding("MON307", None, None, None, sentence)
