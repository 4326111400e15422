"""Compare recent predictions with the training reference; drift asks for a training."""

from __future__ import annotations

from datetime import datetime

from prefect import flow

from estate.core.errors import LeadloopError
from tasks.alert import send_alerts
from tasks.platform import open_platform
from tasks.watch import keep_reports, production_models, report_watch, watch_model


@flow(name="watch", timeout_seconds=3600)
def watch(model: str | None = None, window: int = 500, until: datetime | None = None) -> dict[str, str]:
    """Watch one model, or every one in production; returns the decision for each.

    Parameters
    ----------
    model : str, optional
    window : int
        At most so many of the latest predictions of the version in production.
    until : datetime, optional
        Look at predictions before this moment, and train on nothing later; the present if not given.
    """
    platform = open_platform()
    decisions, failed = {}, []
    for name in [model] if model else production_models(platform):
        try:
            seen = watch_model(platform, name, window=window, until=until)
        except LeadloopError as error:  # one model that can't be watched must not hide the others
            failed.append(error)
            continue
        report_watch(seen)
        keep_reports(platform, name)
        decisions[name] = str(seen.decision)
    send_alerts(platform)
    if failed:
        raise failed[0]
    return decisions
