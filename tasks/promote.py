"""Carry out, or put back, what people did in the registry."""

from __future__ import annotations

from prefect import task

from estate.store.ledger import Entry
from model_registry import reconcile_once
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT


@task(name="reconcile", **REACHES_OUT)
def reconcile(platform: Platform) -> list[Entry]:
    """Compare the registry with the ledger once, and settle every difference."""
    return reconcile_once(platform.registry, platform.database)
