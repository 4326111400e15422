"""Read the CRM's own database."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from estate.core.environment import expand
from estate.intake.extraction import Extracted, each_kind, extract_kind
from estate.intake.extraction_plan import ExtractionPlan, SourceTable, read_plan
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT


def planned(file: Path, only: str | None = None) -> tuple[ExtractionPlan, tuple[SourceTable, ...]]:
    """Read what is to be extracted, before anything is."""
    plan = read_plan(file)
    return plan, tuple(each_kind(plan, only))


@task(name="extract from the CRM", **REACHES_OUT)
def extract_from_crm(platform: Platform, plan: ExtractionPlan, table: SourceTable) -> Extracted:
    """Extract one kind of facts; the same again changes nothing."""
    url, home = expand(plan.url), platform.settings.home
    return extract_kind(platform.database, plan, table, url=url, home=home)
