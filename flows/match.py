"""Which homes suit which open leads, as a file for whoever writes to them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import flow, get_run_logger

from estate.core.clock import now
from tasks.matches import match_open_leads
from tasks.platform import open_platform


@flow(name="match", timeout_seconds=4 * 3600)
def match(out: Path | None = None, homes: int = 5, as_of: datetime | None = None) -> int:
    """Return for how many leads homes were written down.

    Parameters
    ----------
    out : Path, optional
        CSV or Parquet; ``<LEADLOOP_HOME>/exports/matches.parquet`` if not given, which each run replaces.
    homes : int
        At most so many a lead.
    as_of : datetime, optional
        What is known then; the present if not given.
    """
    platform = open_platform()
    target = out or platform.settings.home / "exports" / "matches.parquet"
    leads, rows = match_open_leads(platform, target, homes=homes, as_of=as_of or now())
    get_run_logger().info("%s: %d homes for %d leads", target.name, rows, leads)
    return leads
