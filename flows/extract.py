"""New and changed rows of the CRM's own database."""

from __future__ import annotations

from prefect import flow, get_run_logger

from tasks.crm import extract_from_crm, planned
from tasks.platform import open_platform


@flow(name="extract", timeout_seconds=4 * 3600)
def extract(only: str | None = None) -> int:
    """Return how many facts are new or corrected.

    Parameters
    ----------
    only : str, optional
        One kind of facts; all that LEADLOOP_CRM_EXTRACTION names if not given.
    """
    platform, log = open_platform(), get_run_logger()
    file = platform.settings.crm_extraction
    if file is None:
        log.info("no CRM to read: LEADLOOP_CRM_EXTRACTION is not set")
        return 0
    plan, tables = planned(file, only)
    found = 0
    for table in tables:
        done = extract_from_crm(platform, plan, table)
        found += done.rows_new + done.rows_corrected
        log.info(
            "%s: %d rows read, %d new, %d corrected, %d refused",
            done.kind,
            done.rows_read,
            done.rows_new,
            done.rows_corrected,
            done.rows_refused,
        )
    return found
