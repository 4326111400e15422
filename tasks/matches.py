"""The homes that suit all open leads, without the HTTP layer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import task

from estate.services.property_matching.schema import Request
from serving.batch.matches_file import write_matches
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT


@task(name="match open leads", **REACHES_OUT)
def match_open_leads(platform: Platform, out: Path, *, homes: int, as_of: datetime) -> tuple[int, int]:
    """Write the homes that suit each open lead into a file; returns leads and rows."""
    return write_matches(platform.settings, platform.database, Request(k=homes), out, as_of=as_of)
