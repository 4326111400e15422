"""Score every open lead, or a file, with the version in production."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from estate.core.clock import now
from estate.core.errors import DataError
from tasks.platform import open_platform
from tasks.score import score_leads, score_rows


@flow(name="score", timeout_seconds=4 * 3600)
def score(
    model: str, source: Path | None = None, target: Path | None = None, as_of: datetime | None = None
) -> int:
    """Return how many rows were scored.

    Parameters
    ----------
    model : str
    source, target : Path, optional
        CSV or Parquet in and out; without them every open lead is scored into the predictions table.
    as_of : datetime, optional
        For open leads: what is known then; the present if not given.
    """
    platform = open_platform()
    if source is None and target is None:
        return score_leads(platform, model, as_of=as_of or now(), run_id=str(flow_run.id))
    if source is None or target is None:
        raise DataError("flow `score`", expected="both source and target, or neither", got="one of them")
    return score_rows(platform, model, source=source, target=target)
