"""Compare recent predictions with the training reference; drift asks for a training."""

from __future__ import annotations

from prefect import flow

from tasks.platform import open_platform
from tasks.watch import production_models, report_watch, watch_model


@flow(name="watch", timeout_seconds=3600)
def watch(model: str | None = None, window: int = 500) -> dict[str, str]:
    """Watch one model, or every one in production; returns the decision for each.

    Parameters
    ----------
    model : str, optional
    window : int
        At most so many of the latest predictions of the version in production.
    """
    platform = open_platform()
    decisions = {}
    for name in [model] if model else production_models(platform):
        seen = watch_model(platform, name, window=window)
        report_watch(seen)
        decisions[name] = str(seen.decision)
    return decisions
