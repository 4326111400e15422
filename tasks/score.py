"""Score many rows with the version in production, without the HTTP layer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import task

from serving.batch import score_file, score_open_leads
from serving.production import production_model
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT


@task(name="score open leads", **REACHES_OUT)
def score_leads(platform: Platform, model: str, *, as_of: datetime, run_id: str) -> int:
    """Score every open lead into the predictions table; the same run again keeps nothing twice."""
    return score_open_leads(platform.settings, platform.database, model, as_of=as_of, run_id=run_id)


@task(name="score a file", **REACHES_OUT)
def score_rows(platform: Platform, model: str, *, source: Path, target: Path) -> int:
    """Score every row of a CSV or Parquet file into another one."""
    return score_file(production_model(platform.settings, platform.database, model), source, target)
