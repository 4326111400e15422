"""Look whether a model's world is still the one that it was trained in."""

from __future__ import annotations

from datetime import datetime

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.events import emit_event

from estate.store.watch_passes import WatchPass
from monitoring.reports_page import keep_reports as write_page
from monitoring.watch import watch
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT


@task(name="watch", **REACHES_OUT)
def watch_model(platform: Platform, model: str, *, window: int, until: datetime | None = None) -> WatchPass:
    """Make one pass; drift leaves a training request in the database."""
    return watch(
        platform.settings,
        platform.database,
        model,
        window=window,
        until=until,
        registry=platform.registry,
    )


@task(name="report watch")
def report_watch(seen: WatchPass) -> None:
    """Show the findings in the Prefect UI, and tell listeners of a training request."""
    rows = [{"code": f.code, "column": f.column or "", "found": f.sentence} for f in seen.findings]
    create_table_artifact(
        rows or [{"code": "", "column": "", "found": "nothing"}],
        key=f"{seen.model.replace('_', '-')}-watch",
        description=f"{seen.model} version {seen.version}, {seen.rows} predictions: {seen.decision}",
    )
    if seen.request_id is not None:
        emit_event(
            event="leadloop.training.requested",
            resource={"prefect.resource.id": f"leadloop.model.{seen.model}"},
            payload={
                "request_id": seen.request_id,
                "model": seen.model,
                "cause": "quality" if seen.decision == "worse" else "drift",
            },
        )


@task(name="models in production", **REACHES_OUT)
def production_models(platform: Platform) -> list[str]:
    """Return the models that have a version in production."""
    from estate.store import ledger

    with platform.database.begin() as connection:
        return sorted(ledger.current_all(connection))


@task(name="keep reports", **REACHES_OUT)
def keep_reports(platform: Platform, model: str) -> None:
    """Remove the model's oldest reports, and write the page over all that are kept."""
    write_page(platform.settings, platform.database, model)
