"""What became of the members of a vote, in words for whoever looks at a run."""

from __future__ import annotations

from typing import Any

PARAMETER = "vote."


def told_members(estimator: Any) -> dict[str, str]:
    """Return a line for each member of a vote that learned its weights; nothing for other estimators.

    A vote may stand at the end of a pipeline, or inside of an estimator that wraps it as ``regressor_``.

    Examples
    --------
    >>> class Vote:
    ...     weights_, earned_ = {"line": 1.0, "trees": 0.0}, {"line": 0.02, "trees": -0.0001}
    ...     errors_ = {"line": 0.004, "trees": 0.0002}
    >>> told_members(Vote())
    {'vote.line': 'weight 1.00, earned 0.0200 +- 0.0040', 'vote.trees': 'left out, earned -0.0001 +- 0.0002'}
    >>> told_members(object())
    {}
    """
    steps = getattr(estimator, "steps", None)
    inside = steps[-1][1] if steps else getattr(estimator, "regressor_", None)
    if inside is not None and not hasattr(estimator, "earned_"):
        return told_members(inside)
    if not hasattr(estimator, "earned_"):
        return {}
    return {
        f"{PARAMETER}{name}": f"{f'weight {weight:.2f}' if weight else 'left out'}, "
        f"earned {estimator.earned_[name]:.4f} +- {estimator.errors_[name]:.4f}"
        for name, weight in estimator.weights_.items()
    }
