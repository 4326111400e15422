"""Turn waiting training requests into runs, one of each model at a time."""

from __future__ import annotations

from prefect import flow

from tasks.dispatching import claim_requests, start_training
from tasks.platform import open_platform


@flow(name="dispatch", timeout_seconds=300)
def dispatch() -> list[str]:
    """Claim the waiting requests and start `retrain` for each; returns the flow runs' ids."""
    return [start_training(request) for request in claim_requests(open_platform())]
