"""A version's own earlier answers: what its quality is compared with where the holdout is of other cases."""

from __future__ import annotations

from estate.core.model_spec import ModelSpec
from monitoring.quality.answered import Answered
from monitoring.quality.foreseen import EARLIER_LEAST
from monitoring.quality.measures import judged_metric, measurable
from monitoring.quality.skill import Skill, realised_skill


def earlier_skill(spec: ModelSpec, answered: Answered, window: Answered, *, seed: int = 0) -> Skill | None:
    """Return the skill on ripe answers from before the window; None where they are too few or show none.

    Parameters
    ----------
    answered : Answered
        All of them.
    window : Answered
        Those that are judged.
    """
    begin = window.due.min() if len(window) else answered.frontier.until
    ripe = answered.take(answered.ripe & (answered.due < begin))
    if len(ripe) < EARLIER_LEAST or not measurable(spec.task, ripe.y):
        return None
    found = realised_skill(spec.task, judged_metric(spec), ripe.y, ripe.score, seed=seed)
    return found if found.value > 0 else None
