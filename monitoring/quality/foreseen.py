"""What scores say of answers whose labels are not ripe: did the expected quality fall (MON302)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from estate.core.model_spec import ModelSpec, Task
from estate.store.watch_passes import WatchFinding
from monitoring.quality.answered import Answered
from monitoring.quality.estimated import ESTIMABLE, estimated, estimated_skill, skill_once_ripe
from monitoring.quality.fall import Fall
from monitoring.quality.measures import LEAST_ROWS, judged_metric
from monitoring.quality.skill import Skill

EARLIER_LEAST, EARLIER_MOST = 200, 5_000


@dataclass(frozen=True)
class Foreseen:
    """What was estimated for the unripe rows of a window.

    Parameters
    ----------
    fall : Fall or None
        None where it can't be estimated: not binary, too few rows, nothing to compare with.
    findings : tuple of WatchFinding
    """

    fall: Fall | None
    findings: tuple[WatchFinding, ...] = ()


def judge_foreseen(  # noqa: PLR0913 - what it needs, by keyword
    spec: ModelSpec, unripe: Answered, earlier: Answered, before: Skill | None, *, fall: float, seed: int = 0
) -> Foreseen:
    """Estimate the quality of rows without labels and compare it with before.

    Parameters
    ----------
    unripe : Answered
        Rows of the window whose label is not known.
    earlier : Answered
        What the same version answered before the window, oldest first. Where there is enough of it, it is
        what
        the estimate is compared with: scores that were a little too sure from the beginning are so in both.
    before : Skill or None
        Of the holdout, for as long as there is nothing earlier.
    """
    metric = judged_metric(spec)
    if spec.task is not Task.BINARY or metric.name not in ESTIMABLE or len(unripe) < LEAST_ROWS:
        return Foreseen(None)
    now = estimated_skill(metric.name, unripe.score, seed=seed)
    if len(earlier) >= EARLIER_LEAST:
        then, said = estimated_skill(metric.name, earlier.score[:EARLIER_MOST], seed=seed), "earlier answers"
        found = Fall(now, then, fall)
    elif before is not None:
        said = "the holdout"
        found = Fall(now, before, fall, noise=_noise(spec, unripe, before, seed))
    else:
        return Foreseen(None)
    if not found.before.value > 0:
        return Foreseen(None)
    if not found.happened:
        return Foreseen(found)
    told = estimated(metric, unripe.score, seed=seed)
    sentence = (
        f"quality is estimated to have fallen: of {len(unripe)} answers whose labels are not ripe the "
        f"scores let "
        f"expect {metric.name} {told.value:.4f} ({told.low:.4f} to {told.high:.4f}); the expected skill is "
        f"{now.value:.3f}, {found.kept:.0%} of {found.before.value:.3f} of {said}, where {fall:.0%} must be "
        f"kept"
    )
    return Foreseen(found, (WatchFinding("MON302", None, now.value, fall * found.before.value, sentence),))


def _noise(spec: ModelSpec, unripe: Answered, before: Skill, seed: int) -> float:
    """Return how far chance takes holdout and estimate apart: by the labels of the holdout, and by those that
    the scores were calibrated on."""
    once = skill_once_ripe(judged_metric(spec), unripe.score, seed=seed)
    one_row = once.error * sqrt(once.rows)
    return one_row * sqrt(1.0 / max(before.rows, 1) + 1.0 / spec.calibration_most)
