"""One pass of the reconciler: what people moved in MLflow becomes a ledger row, or is put back."""

from __future__ import annotations

from prefect import flow

from tasks.platform import open_platform
from tasks.promote import reconcile


@flow(name="promote", timeout_seconds=300)
def promote() -> list[str]:
    """Settle every model once; returns one sentence for each decision.

    A long-running reconciler does the same within a second; this flow is for places without one.
    """
    entries = reconcile(open_platform())
    return [f"{e.model}: version {e.to_version} {e.decision} ({e.why})" for e in entries]
