"""Judge all open leads for their leaving, and propose what may keep them."""

from __future__ import annotations

from datetime import datetime

from prefect import task

from serving.batch import Retained, retain_leads
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT


@task(name="retain open leads", **REACHES_OUT)
def retain_open_leads(platform: Platform, *, as_of: datetime) -> Retained:
    """Begin a round for every open lead for which it is worth it; the same again begins nothing twice."""
    return retain_leads(platform.settings, platform.database, as_of=as_of)
