"""How an estimator is told that some rows count more than others."""

from __future__ import annotations

from typing import Any

from estate.core.frame import Numbers


def weight_argument(estimator: Any, weight: Numbers) -> dict[str, Numbers]:
    """Return the argument of ``fit``; that of a pipeline goes to its last step."""
    steps = getattr(estimator, "steps", None)
    return {f"{steps[-1][0]}__sample_weight" if steps else "sample_weight": weight}
