"""Which open leads may leave, and what may keep them."""

from __future__ import annotations

from datetime import datetime

from prefect import flow, get_run_logger

from estate.core.clock import now
from tasks.platform import open_platform
from tasks.retain import retain_open_leads


@flow(name="retain", timeout_seconds=4 * 3600)
def retain(as_of: datetime | None = None) -> int:
    """Return to how many leads something was proposed.

    Parameters
    ----------
    as_of : datetime, optional
        What is known then; the present if not given.
    """
    done = retain_open_leads(open_platform(), as_of=as_of or now())
    get_run_logger().info(
        "%d open leads judged by %s: %d proposals, %d held back by chance, %d wait for a day with room",
        done.leads,
        done.version,
        done.proposed,
        done.held_back,
        done.waiting,
    )
    return done.proposed
